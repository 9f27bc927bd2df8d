"""The bottom room: what every other one uses to say what happens. Imports no app."""
