"""The pages on privacy, the publisher and accessibility."""

from __future__ import annotations

import pytest
from django.core.checks import run_checks

PATHS = ("/confidentialite", "/mentions-legales", "/accessibilite")
FIELDS = ("name", "address", "email", "director", "hosting", "ai_company")

pytestmark = pytest.mark.django_db


@pytest.fixture
def publisher(settings):
    settings.PUBLISHER = {field: f"<{field}>" for field in FIELDS} | {"accessibility": "partial"}
    return settings.PUBLISHER


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_pages_are_filled_from_the_settings(visitor, publisher, language):
    pages = [visitor.get(path, headers={"Accept-Language": language}).content.decode() for path in PATHS]
    everything = "".join(pages)
    assert all(f'<html lang="{language}"' in page for page in pages)
    assert all(f"&lt;{field}&gt;" in everything for field in FIELDS)
    assert {"fr": "partiellement conforme", "en": "partially compliant"}[language] in everything


def test_the_time_that_conversations_are_kept_is_the_one_in_force(visitor, settings):
    settings.RETENTION_DAYS = 77
    assert "77 jours" in visitor.get("/confidentialite").content.decode()


def test_without_settings_the_pages_say_what_is_not_stated(visitor):
    legal, accessibility = (visitor.get(path).content.decode() for path in PATHS[1:])
    assert "Non renseigné" in legal
    assert "non conforme" in accessibility


def test_every_page_of_people_links_to_them(visitor):
    page = visitor.get("/").content.decode()
    assert all(f'href="{path}"' in page for path in PATHS)


def test_a_deployment_without_publisher_is_warned(settings, publisher):
    def warnings():
        return [found for found in run_checks(include_deployment_checks=True) if found.id == "chat.W002"]

    assert not warnings()
    settings.PUBLISHER = publisher | {"email": "", "ai_company": ""}
    assert "PUBLISHER_EMAIL, AI_COMPANY" in warnings()[0].msg
