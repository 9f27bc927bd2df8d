"""Django's database engine for PostgreSQL, with metrics and a pool that outlives a restart of the server."""
