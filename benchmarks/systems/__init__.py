"""The systems under test: chat-bff, chat-bff without single layers, and the peers that it is compared with."""
