-- How far each automatic key of this database has come, of the largest number of its type.
-- Needs REFERENCES on the database, which reads no row, or any right on the columns: those of others are not seen.
SELECT
    concat(k.table_name, '.', k.column_name) AS subject,
    CAST(k.reached AS DOUBLE) AS value,
    CAST(k.most AS DOUBLE) AS allowed,
    k.column_type AS detail
FROM (
    SELECT
        c.table_name,
        c.column_name,
        c.column_type,
        coalesce(t.auto_increment, 1) - 1 AS reached,
        CASE c.data_type WHEN 'tinyint' THEN 127 WHEN 'smallint' THEN 32767 WHEN 'mediumint' THEN 8388607
            WHEN 'int' THEN 2147483647 ELSE 9223372036854775807
        END * CASE WHEN c.column_type LIKE '%%unsigned%%' THEN 2 ELSE 1 END AS most
    FROM information_schema.columns AS c
    INNER JOIN information_schema.tables AS t ON t.table_schema = c.table_schema AND t.table_name = c.table_name
    WHERE c.table_schema = database() AND c.extra LIKE '%%auto_increment%%'
) AS k
ORDER BY k.reached / k.most DESC, subject
LIMIT 20
