"""gunicorn: its configuration, worker and sockets."""
