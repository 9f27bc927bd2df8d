"""The Redis keys of answers. A cluster has all keys that one script uses on one shard."""

from __future__ import annotations


def answer_key(key: str) -> str:
    """The Redis key of a cached answer."""
    return f"bff:answer:{on_one_shard(key)}"


def on_one_shard(key: str) -> str:
    """An answer's key as part of a Redis key, with a hash tag: a cluster has all keys of one shared question, or of one
    caller's private questions, on one shard, so that a script may use them together.
    """
    scope, _, digest = key.partition(":")
    return f"{{{key}}}" if scope == "public" else f"{{{scope}}}:{digest}"
