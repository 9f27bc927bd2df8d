"""The URL of a request, from a base address as providers document it."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit


def url_of(address: str, path: str) -> str:
    """The address with the path appended. An address that has a path of its own has its `/v1`, or none, in it.

    A query, such as Azure's `api-version`, stays. An address that was copied with the path is taken for the same.
    """
    parts = urlsplit(address)
    base = parts.path.rstrip("/").removesuffix("/chat/completions")
    if base:
        path = path.removeprefix("/v1")
    return urlunsplit(parts._replace(path=base + path, fragment=""))


def credentials(address: str, api_key: str) -> dict[str, str]:
    """The header that carries the key: Azure OpenAI's deployments have one of their own."""
    if not api_key:
        return {}
    if "/openai/deployments/" in urlsplit(address).path:
        return {"api-key": api_key}
    return {"Authorization": f"Bearer {api_key}"}
