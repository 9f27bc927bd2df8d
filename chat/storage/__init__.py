"""Access to Redis and PostgreSQL: answer cache, provenance records, fleet counters, budgets, votes and distinct people
in Redis; the SQL of the history and the executor that runs it in PostgreSQL.
"""
