"""Second factors of staff: a TOTP app for each account, and recovery codes for when the app is lost.

ADMIN_TOTP says whether they are off, optional or required. With a second factor, a session that has shown the password
alone may do nothing.
"""

from __future__ import annotations

from binascii import unhexlify

import django_otp
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django_otp.models import Device
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_otp.util import random_hex

Account = AbstractBaseUser | AnonymousUser  # as Django types `request.user`; never anonymous here

RECOVERY_CODES = 10
_DIGITS, _TOLERANCE = 6, 1  # of 30-second steps: clocks differ


def suffices(user: Account, session: SessionBase) -> bool:
    """Whether this session has shown all that is needed to act as its user."""
    if settings.ADMIN_TOTP == "off" or is_verified(user, session):
        return True
    return settings.ADMIN_TOTP == "optional" and not is_enrolled(user)


def is_enrolled(user: Account) -> bool:
    return bool(TOTPDevice.objects.filter(user=user, confirmed=True).exists())


def is_verified(user: Account, session: SessionBase) -> bool:
    """Whether a code was entered in this session, by a device that is still the user's."""
    device = Device.from_persistent_id(session.get(django_otp.DEVICE_ID_SESSION_KEY, ""))
    return device is not None and device.user_id == user.pk


def device_for(user: Account, code: str) -> Device | None:
    """The device that this code is of; the code is used up. None for a wrong code, or while throttled after one."""
    code = _typed(code)
    kind = TOTPDevice if len(code) == _DIGITS else StaticDevice
    ids = [device.persistent_id for device in kind.objects.filter(user=user, confirmed=True)]
    return next(filter(None, (django_otp.verify_token(user, device_id, code) for device_id in ids)), None)


def new_key() -> str:
    """A secret for an app, hexadecimal."""
    return str(random_hex(20))


def address_of(user: Account, key: str) -> str:
    """The `otpauth:` address that an app reads from a QR code. It holds the secret."""
    return str(TOTPDevice(user=user, key=key).config_url)


@transaction.atomic
def enrol(user: Account, key: str, code: str) -> tuple[Device, list[str]] | None:
    """The app's device and new recovery codes, in place of earlier ones; None if the code isn't of this key."""
    totp = TOTP(unhexlify(key), digits=_DIGITS)
    if not (_typed(code).isdecimal() and totp.verify(int(_typed(code)), _TOLERANCE)):
        return None
    User.objects.select_for_update().get(username=user.get_username())
    remove(user)
    device = TOTPDevice.objects.create(user=user, name="app", key=key, tolerance=_TOLERANCE, last_t=totp.t())
    codes = [StaticToken.random_token() for _ in range(RECOVERY_CODES)]
    recovery = StaticDevice.objects.create(user=user, name="recovery codes")
    StaticToken.objects.bulk_create(StaticToken(device=recovery, token=code) for code in codes)
    return device, codes


def recovery_codes_left(user: Account) -> int:
    return int(StaticToken.objects.filter(device__user=user).count())


def remove(user: Account) -> bool:
    """Remove the app and the recovery codes. Whether there was an app."""
    StaticDevice.objects.filter(user=user).delete()
    deleted, _ = TOTPDevice.objects.filter(user=user).delete()
    return bool(deleted)


def _typed(code: str) -> str:
    """Apps and this program show codes in groups."""
    return "".join(code.split()).replace("-", "").lower()
