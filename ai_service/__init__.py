"""A small stand-in for the AI service, a process of its own: grounded, extractive, and with faults on demand."""
