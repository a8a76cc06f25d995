-- Every setting: what a new session here begins with, and what ALTER SYSTEM, and ALTER DATABASE of one database, have
-- written down for it.
-- Needs: to be a superuser, for pg_file_settings; so does ALTER SYSTEM.
SELECT
    s.name AS name,
    coalesce(s.reset_val, '') AS value,
    (
        SELECT f.setting
        FROM pg_file_settings AS f
        WHERE lower(f.name) = lower(s.name) AND f.sourcefile LIKE '%%postgresql.auto.conf'
        ORDER BY f.seqno DESC
        LIMIT 1
    ) AS of_system,
    (
        SELECT substr(c.word, strpos(c.word, '=') + 1)
        FROM pg_db_role_setting AS r
        CROSS JOIN LATERAL unnest(r.setconfig) AS c (word)
        WHERE
            r.setrole = 0
            AND r.setdatabase = (SELECT d.oid FROM pg_database AS d WHERE d.datname = %(database)s)
            AND lower(split_part(c.word, '=', 1)) = lower(s.name)
    ) AS of_database,
    CASE
        WHEN
            s.name LIKE '%%\_preload\_libraries'
            OR s.name IN ('search_path', 'temp_tablespaces', 'unix_socket_directories')
            THEN 'list'
        ELSE 'text'
    END AS form
FROM pg_settings AS s
ORDER BY s.name
