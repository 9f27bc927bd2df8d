"""The peers of chat-bff, each with its own production settings."""
