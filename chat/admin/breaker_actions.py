"""The actions an operator can take on a breaker, the same as in `manage.py breaker`, and their confirmation forms."""

from __future__ import annotations

from dataclasses import dataclass

from django import forms
from django.contrib.admin.widgets import AdminTextInputWidget
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from chat.upstream import breaker_registry
from chat.upstream.breaker_registry import Verb

UNTIL_RESET = "until-reset"
DURATIONS = {"600": _("for 10 minutes"), "3600": _("for 1 hour"), UNTIL_RESET: _("until it is reset")}


class ActionForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        max_length=200,
        error_messages={"required": _("Say why.")},
        widget=AdminTextInputWidget(),
        help_text=_("It stays in the history, with your name. Nothing personal about anybody else, please."),
    )


class ForceForm(ActionForm):
    duration = forms.ChoiceField(
        label=_("For how long"), choices=DURATIONS.items(), initial="600", widget=forms.RadioSelect
    )


@dataclass(frozen=True, slots=True)
class Action:
    """One of ACTIONS. `done` begins the audit log entry: `done`, duration, reason."""

    verb: Verb
    title: Promise
    consequence: Promise
    done: Promise
    form: type[ActionForm]


ACTIONS: dict[str, Action] = {
    action.verb: action
    for action in (
        Action(
            verb="open",
            title=_("Force open"),
            consequence=_(
                "Every call to the AI will be refused. The second AI answers, if there is one; else people get kept "
                "answers, articles and help lines."
            ),
            done=_("Forced open"),
            form=ForceForm,
        ),
        Action(
            verb="close",
            title=_("Force closed"),
            consequence=_(
                "Every call will go through to the AI, however many fail: nothing protects people from waiting for it."
            ),
            done=_("Forced closed"),
            form=ForceForm,
        ),
        Action(
            verb="reset",
            title=_("Reset"),
            consequence=_("A forced state ends, failures are forgotten, and the circuit closes under its own rules."),
            done=_("Reset by hand"),
            form=ActionForm,
        ),
    )
}


def perform(action: Action, name: str, *, who: str, reason: str, duration: str = "") -> None:
    """Apply the action to this breaker. Raises StoreUnavailable when Redis is unavailable; then nothing has changed."""
    seconds = None if action.verb == "reset" or duration == UNTIL_RESET else float(duration)
    breaker_registry.apply(action.verb, name, who=who, reason=reason, seconds=seconds)


def summary(action: Action, *, reason: str, duration: str = "") -> str:
    """The audit log entry, such as `Forced open for 10 minutes: the provider moves`."""
    what = f"{action.done} {DURATIONS[duration]}" if duration else str(action.done)
    return str(_("%(what)s: %(reason)s")) % {"what": what, "reason": reason}
