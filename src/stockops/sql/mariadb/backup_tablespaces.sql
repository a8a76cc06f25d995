-- The files that hold InnoDB's tables, without the temporary ones: each must be in a physical backup.
-- Needs: PROCESS.
SELECT
    s.filename AS path
FROM information_schema.innodb_sys_tablespaces AS s
WHERE s.name <> 'innodb_temporary'
ORDER BY s.filename
