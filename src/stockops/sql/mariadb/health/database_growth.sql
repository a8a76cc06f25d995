-- Size of the files of this database; what it grows by is held against its size, of a GiB at least. Needs PROCESS.
SELECT
    coalesce(database(), 'all databases') AS subject,
    coalesce(sum(s.file_size), 0) AS value,
    greatest(coalesce(sum(s.file_size), 0), 1073741824) AS allowed,
    '' AS detail
FROM information_schema.innodb_sys_tablespaces AS s
WHERE database() IS NULL OR s.name LIKE concat(replace(database(), '_', '\\_'), '/%%')
