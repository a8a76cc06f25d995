-- Databases that number orders. Needs: a privilege on event_ids of each, or it is not seen.
SELECT t.table_schema AS name
FROM information_schema.tables AS t
WHERE t.table_name = 'event_ids' AND t.table_type = 'SEQUENCE'
ORDER BY t.table_schema
