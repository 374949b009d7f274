"""Drive admitted jobs to an end; the only place where broker and backends meet."""
