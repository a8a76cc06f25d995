-- Settings by which a crash loses what was acknowledged (1), or all of the data (2).
SELECT
    s.name AS subject,
    CASE WHEN s.name = 'synchronous_commit' THEN 1 ELSE 2 END AS value,
    NULL::bigint AS allowed,
    s.name || ' is off: ' || CASE WHEN s.name = 'synchronous_commit' THEN 'a crash loses the last transactions'
        ELSE 'a crash of the machine ruins the data'
    END AS detail
FROM pg_settings AS s
WHERE s.name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND s.setting = 'off'
ORDER BY value DESC, s.name
