-- The logical content of a page of conditions, by condition_id: the same text on both engines.
-- Needs: SELECT on conditions.
SELECT
    string_agg(concat_ws(
        '|', t.condition_id, t.user_id, t.account_id, t.symbol, t.rule, t.status,
            to_char(t.expires_at, 'YYYY-MM-DD HH24:MI:SS'), to_char(t.created_at, 'YYYY-MM-DD HH24:MI:SS')
    ), E'\n' ORDER BY t.condition_id) AS block,
    count(*) AS line_count
FROM conditions AS t
WHERE t.condition_id BETWEEN %(first)s AND %(last)s
