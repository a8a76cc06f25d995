-- Which of some users, a JSON array of numbers, there are.
-- Needs: SELECT on users.
SELECT u.user_id
FROM users AS u
JOIN (SELECT DISTINCT j.user_id FROM json_table(%(user_ids)s, '$[*]' COLUMNS (user_id BIGINT PATH '$')) AS j) AS w ON w.user_id = u.user_id
WHERE u.user_id > 0
ORDER BY u.user_id
