"""Identifies the caller: a signed-in person, a program with an API key, or a visitor."""
