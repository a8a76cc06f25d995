-- The accounts whose password was made to expire, in seconds that it is valid: 0. One that grows old is not seen here.
SELECT
    concat(u.user, '@', u.host) AS login,
    0e0 AS left_s
FROM mysql.user AS u
WHERE u.password_expired = 'Y'
ORDER BY login
