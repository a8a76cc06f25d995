-- Users with an account. Needs: SELECT on users, accounts.
SELECT
    u.user_id AS user_id,
    u.status AS status
FROM users AS u
WHERE
    (%(user_id)s::bigint IS NULL OR u.user_id = %(user_id)s::bigint)
    AND EXISTS (SELECT 1 FROM accounts AS a WHERE a.user_id = u.user_id AND a.kind = 'customer')
ORDER BY u.user_id
