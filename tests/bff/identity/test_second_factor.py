"""Second factors of staff: set up, asked for at each login, lost, reset; without them a password opens nothing."""

from __future__ import annotations

import re
from base64 import b32decode
from binascii import hexlify, unhexlify

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from observability import metrics

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "correct horse battery staple"
PAGE = "/admin/second-factor/"


@pytest.fixture
def account() -> User:
    return User.objects.create_superuser("camille", password=PASSWORD)


@pytest.fixture(autouse=True)
def _required(settings, monkeypatch):
    settings.ADMIN_TOTP = "required"
    monkeypatch.setattr("bff.identity.password_hasher.PBKDF2PasswordHasher.iterations", 1000)


def logged_in(name: str = "camille", address: str = "192.0.2.1") -> Client:
    """A client that has shown the password."""
    client = Client(headers={"accept-language": "en"}, REMOTE_ADDR=address)
    page = client.post("/admin/login/", {"username": name, "password": PASSWORD, "next": "/admin/"})
    assert page.status_code == 302
    return client


def code(key: str, later: int = 0) -> str:
    """The code of an app now or `later` steps of 30 seconds; each is taken once."""
    return f"{totp(unhexlify(key), t0=-30 * later):06d}"


def key_on(page: str) -> str:
    found = re.search(r"<code>([A-Z2-7 ]+)</code>", page)
    assert found
    return hexlify(b32decode(found[1].replace(" ", ""))).decode()


def set_up(client: Client) -> tuple[str, list[str]]:
    """The app's key and the recovery codes."""
    key = key_on(client.get(PAGE).content.decode())
    page = client.post(PAGE, {"password": PASSWORD, "code": code(key)}).content.decode()
    found = re.search(r'<pre id="recovery-codes">([^<]+)</pre>', page)
    assert found, page
    return key, found[1].split()


def is_in(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


def test_where_it_is_required_a_password_opens_only_the_page_that_sets_an_app_up(account):
    client = logged_in()
    for path in ("/admin/", "/admin/auth/user/", "/admin/password_change/", "/admin/jsi18n/"):
        assert client.get(path, follow=True).redirect_chain[-1][0] == PAGE
    page = client.get(PAGE)
    assert page.headers["Cache-Control"].count("no-store")
    assert "/admin/chat/" not in page.content.decode()
    set_up(client)
    assert is_in(client)


def test_the_qr_code_is_drawn_here(account):
    page = logged_in().get(PAGE).content.decode()
    assert "<svg" in page
    assert "http" not in page[page.index("<svg") : page.index("</svg>")].replace("http://www.w3.org/2000/svg", "")
    assert "otpauth:" not in page


@pytest.mark.parametrize("mode", ["optional", "required"])
def test_whoever_has_an_app_is_asked_for_its_code_at_each_login(account, settings, mode):
    settings.ADMIN_TOTP = mode
    first = logged_in()
    key, _ = set_up(first)
    client = logged_in()
    assert not is_in(client)
    old_session = client.session.session_key
    assert client.post(PAGE, {"code": code(key, later=1)}).status_code == 302
    assert is_in(client)
    assert client.session.session_key != old_session


def test_an_older_session_needs_a_code_once_an_app_is_set_up(account, settings):
    settings.ADMIN_TOTP = "optional"
    older, client = logged_in(), logged_in()
    assert is_in(older)
    set_up(client)
    assert is_in(client)
    assert not is_in(older)


def test_where_it_is_optional_others_log_in_with_the_password_alone(account, settings):
    settings.ADMIN_TOTP = "optional"
    client = logged_in()
    assert is_in(client)
    assert PAGE in client.get("/admin/").content.decode()


def test_where_it_is_off_nobody_is_asked(account, settings):
    set_up(logged_in())
    settings.ADMIN_TOTP = "off"
    client = logged_in()
    assert is_in(client)
    assert PAGE not in client.get("/admin/").content.decode()
    assert client.get(PAGE, follow=True).redirect_chain[-1][0] == "/admin/"


def test_a_code_is_taken_once(account):
    key, _ = set_up(logged_in())
    client, again = logged_in(), logged_in()
    next_code = code(key, later=1)
    assert client.post(PAGE, {"code": next_code}).status_code == 302
    assert again.post(PAGE, {"code": next_code}).status_code == 200
    assert not is_in(again)


def test_a_recovery_code_lets_in_once_however_it_is_typed(account):
    _, codes = set_up(logged_in())
    assert len(set(codes)) == 10
    typed = f" {codes[0][:4].upper()}-{codes[0][4:]} "
    client, again = logged_in(), logged_in()
    assert client.post(PAGE, {"code": typed}).status_code == 302
    assert is_in(client)
    assert "9 recovery codes are left" in client.get(PAGE).content.decode()
    assert again.post(PAGE, {"code": codes[0]}).status_code == 200
    assert not is_in(again)


def test_guesses_are_limited_logged_and_counted(account, capsys):
    key, codes = set_up(logged_in())
    before = metrics.LOGIN_FAILURES.labels("second_factor")._value.get()
    client = logged_in()
    pages = [client.post(PAGE, {"code": f"{number:06d}"}).content.decode() for number in range(11)]
    assert ["Too many attempts" in page for page in pages] == [False] * 9 + [True] * 2  # one was the first code
    assert "Too many attempts" in client.post(PAGE, {"code": codes[0]}).content.decode()
    assert not is_in(client)
    assert metrics.LOGIN_FAILURES.labels("second_factor")._value.get() == before + 9
    printed = capsys.readouterr().out
    assert '"code":"second_factor"' in printed
    assert not any(secret in printed for secret in (key, PASSWORD, "camille", *codes))


def test_an_app_is_set_up_and_removed_only_with_the_password_and_a_code(account):
    client = logged_in()
    key = key_on(client.get(PAGE).content.decode())
    for fields in ({"password": "guess", "code": code(key)}, {"password": PASSWORD, "code": "000000"}, {}):
        client.post(PAGE, fields)
        assert not TOTPDevice.objects.exists()
    _, codes = set_up(client)
    for fields in ({"password": "guess", "code": codes[0]}, {"password": PASSWORD, "code": "wrong"}):
        assert client.post(PAGE, fields).status_code == 200
        assert TOTPDevice.objects.exists()
    TOTPDevice.objects.all().update(throttling_failure_count=0)
    assert client.post(PAGE, {"password": PASSWORD, "code": code(key_of(account), later=1)}).status_code == 302
    assert not TOTPDevice.objects.exists()
    assert not is_in(client)


def key_of(account: User) -> str:
    return str(TOTPDevice.objects.get(user=account).key)


def test_a_superuser_resets_a_lost_app_of_others_and_not_their_own(account):
    lost = User.objects.create_user("sacha", password=PASSWORD, is_staff=True)
    lost_client = logged_in("sacha")
    set_up(lost_client)
    client = logged_in()
    set_up(client)
    fields = {"action": "reset_second_factor", "_selected_action": [account.pk, lost.pk]}
    client.post("/admin/auth/user/", fields)
    assert [device.user for device in TOTPDevice.objects.all()] == [account]
    assert LogEntry.objects.get().object_repr == "sacha"
    assert not is_in(lost_client)
    set_up(logged_in("sacha"))


def test_nobody_else_resets_and_nobody_reads_the_secrets(account):
    manager = User.objects.create_user("manager", password=PASSWORD, is_staff=True)
    manager.user_permissions.set(Permission.objects.exclude(content_type__app_label="chat"))
    set_up(logged_in())
    client = logged_in("manager")
    set_up(client)
    client.post("/admin/auth/user/", {"action": "reset_second_factor", "_selected_action": [account.pk]})
    assert TOTPDevice.objects.filter(user=account).exists()
    for path in ("/admin/otp_totp/totpdevice/", "/admin/otp_static/staticdevice/"):
        assert client.get(path).status_code == 404


def test_the_last_superuser_gets_in_by_a_code_from_the_command_line(account, capsys):
    set_up(logged_in())
    client = logged_in()
    capsys.readouterr()
    call_command("addstatictoken", "camille")
    assert client.post(PAGE, {"code": capsys.readouterr().out.strip()}).status_code == 302
    assert is_in(client)


def test_with_the_password_alone_a_session_sees_no_provenance_and_can_log_out(account, visitor, ai):
    client = logged_in()
    visitor.cookies.update(client.cookies)
    assert b"receipt" not in b"".join(visitor.stream("Bonjour"))
    assert client.post("/admin/logout/").status_code == 200
    assert client.get(PAGE).status_code == 302
