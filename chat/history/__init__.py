"""Stored conversations, claims, API keys and the export of personal data."""
