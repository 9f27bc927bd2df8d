"""Everything that talks to clients: events to bytes, one file a protocol."""
