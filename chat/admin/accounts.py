"""Accounts and groups of staff. An operator who may manage accounts can't extend anyone's rights, nor their own."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from chat.admin import audit_log
from chat.history import second_factors

RIGHTS = ("is_superuser", "groups", "user_permissions")

# The admin's page of a device shows its secret.
admin.site.unregister([User, Group, TOTPDevice, StaticDevice])


@admin.register(User)
class AccountAdmin(UserAdmin):  # type: ignore[type-arg]  # takes none at run time
    """Only superusers grant rights, and change superusers' accounts: a new password would give access to them."""

    list_display = ("username", "email", "first_name", "last_name", "is_staff", "has_second_factor")
    actions = ("reset_second_factor",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        apps = TOTPDevice.objects.filter(user=OuterRef("pk"), confirmed=True)
        accounts: QuerySet[User] = super().get_queryset(request).annotate(is_enrolled=Exists(apps))
        return accounts

    @admin.display(description=_("second factor"), boolean=True, ordering="is_enrolled")
    def has_second_factor(self, account: Any) -> bool:
        return bool(account.is_enrolled)

    @admin.action(description=_("Reset the second factor of the selected people"))
    def reset_second_factor(self, request: HttpRequest, accounts: QuerySet[User]) -> None:
        """For a lost phone: they log in with their password alone, and set an app up anew. Not one's own: the page
        for that asks for the password and a code.
        """
        reset = [account for account in accounts if account != request.user and second_factors.remove(account)]
        for account in reset:
            audit_log.record(request, User, str(account.pk), account.username, gettext("Second factor reset"))
        messages.success(request, gettext("Second factors reset: {count}").format(count=len(reset)))

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[Any, ...]:
        fields = tuple(super().get_readonly_fields(request, obj))
        return fields if _is_superuser(request) else (*fields, *RIGHTS)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Deleting many at once would ask once for all, not for each."""
        actions = super().get_actions(request)
        return actions if _is_superuser(request) else {}


@admin.register(Group)
class RoleAdmin(GroupAdmin):
    """A group's permissions are its members' rights."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return _is_superuser(request)


def _may_touch(request: HttpRequest, account: User | None) -> bool:
    """Rights are kept: someone with more of them than the operator must not get a password of the operator's choice."""
    if account is None or _is_superuser(request) or account.pk == request.user.pk:
        return True
    if_active = User(pk=account.pk)  # a deactivated account has no rights, but could be activated
    return not account.is_superuser and if_active.get_all_permissions() <= request.user.get_all_permissions()


def _is_superuser(request: HttpRequest) -> bool:
    return bool(request.user.is_active and request.user.is_superuser)
