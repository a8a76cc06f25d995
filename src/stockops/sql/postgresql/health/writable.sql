-- 1 where no transaction may write although this is no standby.
SELECT
    '' AS subject,
    CASE WHEN s.setting = 'on' AND s.source <> 'user' AND NOT pg_is_in_recovery() THEN 1 ELSE 0 END AS value,
    NULL::bigint AS allowed,
    CASE
        WHEN pg_is_in_recovery() THEN 'a standby, which takes no writes'
        WHEN s.setting = 'on' AND s.source <> 'user' THEN 'default_transaction_read_only is on: nothing may be written'
        ELSE 'it takes writes'
    END AS detail
FROM pg_settings AS s
WHERE s.name = 'default_transaction_read_only'
ORDER BY s.name
