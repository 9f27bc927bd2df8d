"""Encodes events for clients, one module for each protocol."""
