-- For how long the password of each account is valid, in seconds; no row where it does not expire, or the account is locked.
-- Needs SELECT on mysql.global_priv, where the hashes are, too: who only watches asks standing/passwords_over.
SELECT
    p.login,
    CASE WHEN p.changed_s = 0 THEN 0e0 ELSE CAST(p.changed_s + p.days * 86400 - UNIX_TIMESTAMP() AS DOUBLE) END AS left_s
FROM (
    SELECT
        concat(g.user, '@', g.host) AS login,
        CAST(json_value(g.priv, '$.password_last_changed') AS INTEGER) AS changed_s,
        CASE coalesce(CAST(json_value(g.priv, '$.password_lifetime') AS INTEGER), -1)
            WHEN -1 THEN @@GLOBAL.default_password_lifetime
            ELSE CAST(json_value(g.priv, '$.password_lifetime') AS INTEGER)
        END AS days
    FROM mysql.global_priv AS g
    WHERE coalesce(json_value(g.priv, '$.is_role'), 0) = 0 AND coalesce(json_value(g.priv, '$.account_locked'), 0) = 0
) AS p
WHERE p.changed_s = 0 OR p.days > 0
ORDER BY p.login
