"""The HTTP endpoints: each parses, makes one call and renders."""
