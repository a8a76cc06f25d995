-- What backups of ours still hold on the server: sessions of the tools, by the name they connect under.
-- Needs: PROCESS, and the performance schema.
SELECT
    concat('session ', p.id) AS name
FROM information_schema.processlist AS p
JOIN performance_schema.session_connect_attrs AS a ON a.processlist_id = p.id
WHERE a.attr_name = 'program_name' AND a.attr_value IN ('mariadb-backup', 'mariabackup', 'mariadb-dump', 'mysqldump')
ORDER BY name
