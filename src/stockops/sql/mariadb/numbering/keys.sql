-- The tables that number their rows by AUTO_INCREMENT of 64 bits, and up to where they may have done so. Those that keep the history
-- of migrations are left out: nobody outside is told their numbers.
-- Needs: a privilege on the tables, or they are not seen.
SELECT
    t.table_name AS table_name,
    concat('`', replace(t.table_name, '`', '``'), '`') AS counter,
    CAST(coalesce(t.auto_increment, 1) - 1 AS SIGNED) AS last_id,
    9223372036854775807 AS last_possible_id
FROM information_schema.tables AS t
JOIN information_schema.columns AS c ON c.table_schema = t.table_schema AND c.table_name = t.table_name
WHERE
    t.table_schema = database() AND c.extra LIKE '%%auto_increment%%' AND c.data_type = 'bigint'
    AND t.table_name NOT LIKE 'stockops\_%%'
ORDER BY t.table_name
