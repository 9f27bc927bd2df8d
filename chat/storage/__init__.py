"""Access to Redis and PostgreSQL: answer cache, provenance records, fleet counters and the SQL of the history."""
