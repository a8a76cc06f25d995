-- The logical content of a page of conditions, by condition_id: the same text on both engines.
-- Needs: SELECT on conditions.
SELECT
    group_concat(concat_ws(
        '|', t.condition_id, t.user_id, t.account_id, t.symbol, t.rule COLLATE utf8mb4_nopad_bin, t.status, left(t.expires_at, 19),
            left(t.created_at, 19)
    ) ORDER BY t.condition_id SEPARATOR '\n') AS block,
    count(*) AS line_count
FROM conditions AS t
WHERE t.condition_id BETWEEN %(first)s AND %(last)s
