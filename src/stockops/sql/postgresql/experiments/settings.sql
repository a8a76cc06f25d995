-- Every setting as this session has it (`value`), as it would be put back (`kept`), and what a change of it takes. Values
-- of some are lists: in one pair of quotes `a,b` would be one name with a comma in it.
SELECT
    s.name AS name,
    coalesce(current_setting(s.name, TRUE), '') AS value,
    coalesce(s.reset_val, '') AS kept,
    CASE
        WHEN s.context = 'internal' THEN 'never'
        WHEN s.context = 'postmaster' THEN 'restart'
        WHEN s.context = 'sighup' THEN 'reload'
        ELSE 'new sessions'
    END AS takes,
    CASE
        WHEN
            s.name LIKE '%%\_preload\_libraries'
            OR s.name IN ('search_path', 'temp_tablespaces', 'unix_socket_directories')
            THEN 'list'
        ELSE 'text'
    END AS form
FROM pg_settings AS s
ORDER BY s.name
