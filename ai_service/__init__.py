"""A stand-in for the AI service in a process of its own: it quotes passages, and fails on demand."""
