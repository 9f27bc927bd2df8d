"""Correlation ids, logs, metrics, traces, and Redis as all apps use it. The lowest layer: imports no app."""
