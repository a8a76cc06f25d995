-- Users that have a password, quoted. Of those that stand for more than one plugin, all go.
-- Needs: SELECT on mysql.
SELECT
    concat(quote(g.user), '@', quote(g.host)) AS name
FROM mysql.global_priv AS g
WHERE json_value(g.priv, '$.is_role') IS NULL
    AND coalesce(json_value(g.priv, '$.authentication_string'), '') NOT IN ('', 'invalid')
    AND concat(g.user, '@', g.host) <> current_user()
ORDER BY g.user, g.host
