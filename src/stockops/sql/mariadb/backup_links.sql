-- Tables whose files lie outside the data directory.
-- Needs: PROCESS.
SELECT
    s.name AS name,
    s.filename AS path
FROM information_schema.innodb_sys_tablespaces AS s
WHERE s.filename LIKE '/%%'
ORDER BY s.name
