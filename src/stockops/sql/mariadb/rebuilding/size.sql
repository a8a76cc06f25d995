-- How large the files of a table are, its indexes with it. Needs PROCESS.
SELECT CAST(sum(s.file_size) AS SIGNED) AS size_bytes
FROM information_schema.innodb_sys_tablespaces AS s
WHERE s.name = concat(%(schema)s, '/', %(table)s) OR s.name LIKE concat(replace(%(schema)s, '_', '\\_'), '/', replace(%(table)s, '_', '\\_'), '#P#%%')
