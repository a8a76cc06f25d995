-- The accounts whose password was made to expire, in seconds that it is valid: 0. One that grows old is not seen here, nor whether
-- an account is locked: mariadb.sys, which every installation makes, is, and nobody ever logs in as it.
SELECT
    concat(u.user, '@', u.host) AS login,
    0e0 AS left_s
FROM mysql.user AS u
WHERE u.password_expired = 'Y' AND NOT (u.user = 'mariadb.sys' AND u.host = 'localhost')
ORDER BY login
