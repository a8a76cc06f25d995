-- The logical content of a page of users, by user_id: the same text on both engines.
-- Needs: SELECT on users.
SELECT
    string_agg(concat_ws(
        '|', t.user_id, t.full_name, t.email, t.phone, t.status, to_char(t.created_at, 'YYYY-MM-DD HH24:MI:SS')
    ), E'\n' ORDER BY t.user_id) AS block,
    count(*) AS line_count
FROM users AS t
WHERE t.user_id BETWEEN %(first)s AND %(last)s
