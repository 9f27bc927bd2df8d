"""Addresses as providers print them."""

from __future__ import annotations

import pytest

from chat.upstream.http.endpoint import credentials, url_of


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("https://api.openai.com", "https://api.openai.com/v1/chat/completions"),
        ("https://api.openai.com/", "https://api.openai.com/v1/chat/completions"),
        ("https://api.openai.com/v1", "https://api.openai.com/v1/chat/completions"),
        ("https://api.openai.com/v1/", "https://api.openai.com/v1/chat/completions"),
        ("https://api.openai.com/v1/chat/completions", "https://api.openai.com/v1/chat/completions"),
        ("http://127.0.0.1:11434", "http://127.0.0.1:11434/v1/chat/completions"),
        ("http://[::1]:8080", "http://[::1]:8080/v1/chat/completions"),
        ("https://openrouter.ai/api/v1", "https://openrouter.ai/api/v1/chat/completions"),
        (
            "https://generativelanguage.example/v1beta/openai/",
            "https://generativelanguage.example/v1beta/openai/chat/completions",
        ),
        (
            "https://name.openai.azure.example/openai/deployments/gpt?api-version=2024-10-21",
            "https://name.openai.azure.example/openai/deployments/gpt/chat/completions?api-version=2024-10-21",
        ),
    ],
)
def test_the_path_is_appended_to_the_address_as_it_is_printed(address, url):
    assert url_of(address, "/v1/chat/completions") == url


@pytest.mark.parametrize("address", ["http://ai.example", "http://ai.example/"])
def test_a_rag_service_has_its_paths_at_its_root(address):
    assert url_of(address, "/api/chat/send") == "http://ai.example/api/chat/send"


def test_a_rag_service_may_stand_under_a_path():
    assert url_of("http://ai.example/ai/", "/api/chat/send") == "http://ai.example/ai/api/chat/send"


def test_azure_has_a_header_of_its_own_for_the_key():
    assert credentials("https://x.azure.example/openai/deployments/gpt?api-version=1", "key") == {"api-key": "key"}
    assert credentials("https://api.openai.com/v1", "key") == {"Authorization": "Bearer key"}
    assert credentials("https://api.openai.com/v1", "") == {}
