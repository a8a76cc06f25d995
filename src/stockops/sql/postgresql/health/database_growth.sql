-- Size of this database; what it grows by is held against its size, of a GiB at least.
SELECT
    current_database()::text AS subject,
    pg_database_size(current_database()) AS value,
    greatest(pg_database_size(current_database()), 1073741824) AS allowed,
    '' AS detail
