"""The version and the commit that an instance names."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from collections.abc import Iterator

import pytest

from observability import build
from tests.support.requirements import skip_or_fail
from tests.support.services import ROOT

OTHER_USER = 65534


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    build.commit.cache_clear()
    yield
    build.commit.cache_clear()


def test_the_version_is_that_of_the_project():
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == build.VERSION


def test_the_commit_is_gits(settings):
    settings.BUILD_COMMIT = ""
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert head.startswith(build.commit())
    assert build.full_version() == f"{build.VERSION}+{build.commit()}"


def test_an_image_without_git_names_the_commit_of_its_build(settings, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    settings.BUILD_COMMIT = "3f2a1b4c5d6e"
    assert build.full_version() == f"{build.VERSION}+3f2a1b4c5d6e"


@pytest.mark.parametrize("missing", ["program", "history"])
def test_without_either_the_version_stands_alone(settings, monkeypatch, tmp_path, missing):
    settings.BUILD_COMMIT = ""
    if missing == "program":
        monkeypatch.setenv("PATH", "/nowhere")
    else:
        settings.BASE_DIR = tmp_path
    assert build.full_version() == build.VERSION


def test_the_commit_of_a_checkout_of_another_user_is_known(settings, monkeypatch, tmp_path):
    """As under systemd: root checks out, and the service has a user of its own."""
    if os.geteuid() != 0:
        skip_or_fail("only root gives files to another user")
    settings.BUILD_COMMIT, settings.BASE_DIR = "", tmp_path
    monkeypatch.setenv("HOME", "/nowhere")
    git = ["git", "-C", str(tmp_path), "-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--message=first"], check=True)
    for folder in (tmp_path, *tmp_path.rglob("*")):
        os.chown(folder, OTHER_USER, OTHER_USER)
    assert re.fullmatch("[0-9a-f]{12}", build.commit())
