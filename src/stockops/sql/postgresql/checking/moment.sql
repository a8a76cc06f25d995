-- The snapshot of this transaction, by a name that another session takes it by.
SELECT pg_export_snapshot() AS moment
