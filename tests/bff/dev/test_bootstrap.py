"""What `make run` prepares."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from bff.dev import bootstrap


@pytest.mark.django_db
@pytest.mark.parametrize("debug", [True, False])
def test_an_admin_is_created_and_their_password_printed_in_development_alone(settings, capsys, debug):
    settings.DEBUG = debug
    bootstrap._create_admin()
    assert User.objects.filter(is_superuser=True).exists() is debug
    assert ("admin / " in capsys.readouterr().out) is debug
