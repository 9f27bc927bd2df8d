"""One module per protocol of AI services: bytes to events; and the modules that they share."""
