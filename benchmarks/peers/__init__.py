"""What people would run instead of chat-bff, started fairly: each with its own production settings."""
