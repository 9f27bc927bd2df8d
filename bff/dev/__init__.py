"""`make run`: starts all that a bare checkout needs to serve the chat page."""
