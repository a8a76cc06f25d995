-- Users that predictions can be made for; the first 50,000.
-- Needs: SELECT on users.
SELECT u.user_id
FROM users AS u
WHERE u.user_id > 0 AND u.status = 'active'
ORDER BY u.user_id
LIMIT 50000
