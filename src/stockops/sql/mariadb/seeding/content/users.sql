-- The logical content of a page of users, by user_id: the same text on both engines.
-- Needs: SELECT on users.
SELECT
    group_concat(concat_ws(
        '|', t.user_id, t.full_name, t.email, t.phone, t.status, left(t.created_at, 19)
    ) ORDER BY t.user_id SEPARATOR '\n') AS block,
    count(*) AS line_count
FROM users AS t
WHERE t.user_id BETWEEN %(first)s AND %(last)s
