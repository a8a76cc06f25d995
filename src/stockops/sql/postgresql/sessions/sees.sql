-- Whether this role sees what the sessions of others do. A role that does not is told of none of them, and of no error.
SELECT pg_has_role('pg_read_all_stats', 'USAGE') AS sees_others
ORDER BY sees_others
