-- A user by number; no row where there is none. Needs: SELECT on users.
SELECT
    u.user_id AS user_id,
    u.status AS status
FROM users AS u
WHERE u.user_id = %(user_id)s
ORDER BY u.user_id
