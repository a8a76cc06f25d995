-- Age of the oldest transaction number of each table, of the age at which autovacuum has to freeze it.
SELECT
    c.oid::regclass::text AS subject,
    age(c.relfrozenxid) AS value,
    current_setting('autovacuum_freeze_max_age')::bigint AS allowed,
    '' AS detail
FROM pg_class AS c
WHERE c.relkind IN ('r', 'm', 't') AND c.relfrozenxid <> '0'
ORDER BY value DESC, c.oid
LIMIT 5
