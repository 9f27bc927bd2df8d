"""HTTP to an AI service: addresses, connections, deadlines and cancellation."""
