"""The admin's login: limited, logged, and without delaying other requests."""

from __future__ import annotations

import json
import threading
import time

import pytest
import requests
from django.conf import settings
from django.contrib.auth import password_validation
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.test import Client

from observability import metrics
from tests.support.polling import eventually
from tests.support.server import Server

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "correct horse battery staple"
LOGIN = "/admin/login/"


@pytest.fixture
def account() -> User:
    return User.objects.create_user("camille", password=PASSWORD, is_staff=True)


@pytest.fixture(autouse=True)
def _quick_hashing(monkeypatch):
    monkeypatch.setattr("bff.identity.password_hasher.PBKDF2PasswordHasher.iterations", 1000)


def log_in(password: str, name: str = "camille", address: str = "192.0.2.1") -> str:
    """`in`, or why not."""
    client = Client(headers={"accept-language": "en"}, REMOTE_ADDR=address)
    page = client.post(LOGIN, {"username": name, "password": password, "next": "/admin/"})
    if page.status_code == 302:
        return "in"
    return "limited" if "Too many attempts" in page.content.decode() else "wrong"


def test_guesses_on_one_account_are_limited_and_from_elsewhere_its_owner_gets_in(account):
    assert [log_in(f"guess {number}") for number in range(12)] == ["wrong"] * 10 + ["limited"] * 2
    assert log_in(PASSWORD) == "limited"
    assert log_in(PASSWORD, address="198.51.100.1") == "in"


def test_an_account_is_limited_however_its_name_is_spelt(account):
    assert [log_in("guess", name) for name in ["camille", "Camille", " CAMILLE "] * 4][-1] == "limited"


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::{}"])
def test_guesses_on_many_accounts_from_one_network_are_limited(account, address):
    assert [log_in("guess", f"name {n}", address.format(n)) for n in range(31)] == ["wrong"] * 30 + ["limited"]


def test_guesses_on_one_account_from_everywhere_are_limited(account):
    assert [log_in("guess", address=f"192.0.2.{n}") for n in range(101)] == ["wrong"] * 100 + ["limited"]


def test_failures_are_logged_and_counted_without_what_was_typed(account, capsys):
    before = metrics.LOGIN_FAILURES.labels("rejected")._value.get()
    log_in("a secret guess", "camille@example.org")
    log_in("a secret guess", "camille@example.org")
    log_in(PASSWORD)
    printed = capsys.readouterr().out
    records = [json.loads(line) for line in printed.splitlines() if "Admin login" in line]
    assert [record["message"] for record in records] == ["Admin login failed", "Admin login failed", "Admin login"]
    assert records[0]["account"] == records[1]["account"]
    assert records[0]["correlationId"]
    assert "guess" not in printed
    assert "camille" not in printed
    assert metrics.LOGIN_FAILURES.labels("rejected")._value.get() == before + 2


def test_passwords_have_twelve_characters_at_least():
    with pytest.raises(ValidationError, match="12"):
        password_validation.validate_password("kV9-ui2-x0w")
    password_validation.validate_password("kV9-ui2-x0w-")


def test_a_session_ends_after_twelve_hours(account):
    client = Client()
    client.post(LOGIN, {"username": "camille", "password": PASSWORD, "next": "/admin/"})
    assert client.cookies[settings.SESSION_COOKIE_NAME]["max-age"] == 12 * 3600
    assert client.session.get_expiry_age() == 12 * 3600


def test_a_login_replaces_the_session_that_the_browser_had(account):
    """Somebody may have set it, to know it after the login."""
    client = Client()
    client.force_login(User.objects.create_user("somebody"))
    before = client.cookies[settings.SESSION_COOKIE_NAME].value
    client.post(LOGIN, {"username": "camille", "password": PASSWORD, "next": "/admin/"})
    assert client.cookies[settings.SESSION_COOKIE_NAME].value != before
    assert not Session.objects.filter(session_key=before).exists()


@pytest.mark.parametrize("ends", ["logout", "new password"])
def test_a_logout_and_a_new_password_end_sessions_elsewhere(account, ends):
    """A copy of the cookie opens nothing either."""
    client, copy = Client(), Client()
    client.post(LOGIN, {"username": "camille", "password": PASSWORD, "next": "/admin/"})
    copy.cookies[settings.SESSION_COOKIE_NAME] = client.cookies[settings.SESSION_COOKIE_NAME].value
    assert copy.get("/admin/").status_code == 200
    if ends == "logout":
        client.post("/admin/logout/")
    else:
        account.set_password("another horse battery staple")
        account.save()
    assert copy.get("/admin/").status_code == 302


@pytest.mark.parametrize(("is_kept", "status"), [(True, 200), (False, 302)])
def test_staff_stay_signed_in_while_the_former_key_is_a_fallback(account, settings, is_kept, status):
    staff, former = Client(), settings.SECRET_KEY
    staff.force_login(account)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another-key-" * 5, [former] if is_kept else []
    assert staff.get("/admin/").status_code == status


def test_forty_logins_at_once_delay_no_other_request(server: Server, account):
    """Each hashes for a third of a second: in the event loop the last /healthz would wait for all of them."""
    latencies: list[float] = []
    ended = threading.Event()

    def attempt(number: int) -> None:
        with requests.Session() as session:
            session.get(server.url + LOGIN, timeout=60)
            data = {
                "username": f"name {number}",
                "password": "guess",
                "csrfmiddlewaretoken": session.cookies["csrftoken"],
            }
            session.post(server.url + LOGIN, data=data, timeout=60)

    threads = [threading.Thread(target=attempt, args=[number]) for number in range(40)]
    started = time.monotonic()
    for thread in threads:
        thread.start()

    def watch() -> None:
        while not ended.is_set():
            began = time.monotonic()
            requests.get(f"{server.url}/healthz", timeout=60)
            latencies.append(time.monotonic() - began)
            ended.wait(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    for thread in threads:
        thread.join()
    all_logins = time.monotonic() - started
    ended.set()
    watcher.join()
    eventually(lambda: len(latencies) > 5)
    latencies.sort()
    assert latencies[len(latencies) // 2] < 0.3
    assert latencies[-1] < all_logins / 4  # some ten seconds on a quiet machine
