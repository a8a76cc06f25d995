-- Which of some users, a JSON array of numbers, there are.
-- Needs: SELECT on users.
SELECT u.user_id
FROM users AS u
WHERE u.user_id > 0 AND u.user_id IN (SELECT j.value::bigint FROM jsonb_array_elements_text(%(user_ids)s::jsonb) AS j (value))
ORDER BY u.user_id
