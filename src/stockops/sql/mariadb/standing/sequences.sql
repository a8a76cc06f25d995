-- The sequences of this database. Up to MariaDB 11.4 no table says how far one has come: it is asked itself.
SELECT t.table_name AS name
FROM information_schema.tables AS t
WHERE t.table_schema = database() AND t.table_type = 'SEQUENCE'
ORDER BY name
