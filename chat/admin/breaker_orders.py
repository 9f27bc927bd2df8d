"""What an operator can order a breaker to do, in the words of `manage.py breaker`, and the form that asks why."""

from __future__ import annotations

from dataclasses import dataclass

from django import forms
from django.contrib.admin.widgets import AdminTextInputWidget
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from chat.upstream.breaker import Breaker

UNTIL_RESET = "until-reset"
DURATIONS = {"600": _("for 10 minutes"), "3600": _("for 1 hour"), UNTIL_RESET: _("until it is reset")}


class OrderForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        max_length=200,
        error_messages={"required": _("Say why.")},
        widget=AdminTextInputWidget(),
        help_text=_("It stays in the history, with your name. Nothing personal about anybody else, please."),
    )


class ForceForm(OrderForm):
    duration = forms.ChoiceField(
        label=_("For how long"), choices=DURATIONS.items(), initial="600", widget=forms.RadioSelect
    )


@dataclass(frozen=True, slots=True)
class Order:
    """One of ORDERS. `done` begins the sentence that the admin's log keeps: `done`, for how long, why."""

    verb: str
    title: Promise
    consequence: Promise
    done: Promise
    form: type[OrderForm]


ORDERS = {
    order.verb: order
    for order in (
        Order(
            verb="open",
            title=_("Force open"),
            consequence=_(
                "Every call to the AI will be refused. People get kept answers, articles and help lines instead."
            ),
            done=_("Forced open"),
            form=ForceForm,
        ),
        Order(
            verb="close",
            title=_("Force closed"),
            consequence=_(
                "Every call will go through to the AI, however many fail: nothing protects people from waiting for it."
            ),
            done=_("Forced closed"),
            form=ForceForm,
        ),
        Order(
            verb="reset",
            title=_("Reset"),
            consequence=_("A forced state ends, failures are forgotten, and the circuit closes under its own rules."),
            done=_("Reset by hand"),
            form=OrderForm,
        ),
    )
}


def carry_out(order: Order, breaker: Breaker, *, who: str, reason: str, duration: str = "") -> None:
    """Raises StoreUnavailable when Redis is away: nothing was changed then."""
    if order.verb == "reset":
        breaker.reset(who=who, reason=reason)
    else:
        seconds = None if duration == UNTIL_RESET else float(duration)
        breaker.force("open" if order.verb == "open" else "closed", who=who, reason=reason, seconds=seconds)


def summary(order: Order, *, reason: str, duration: str = "") -> str:
    """`Forced open for 10 minutes: the provider moves`."""
    what = f"{order.done} {DURATIONS[duration]}" if duration else str(order.done)
    return str(_("%(what)s: %(reason)s")) % {"what": what, "reason": reason}
