-- The logical content of a page of positions, by account_id: the same text on both engines.
-- Needs: SELECT on positions.
SELECT
    group_concat(concat_ws(
        '|', t.account_id, t.symbol, t.quantity, t.reserved_quantity, t.cost_won
    ) ORDER BY t.account_id, t.symbol SEPARATOR '\n') AS block,
    count(*) AS line_count
FROM positions AS t
WHERE t.account_id BETWEEN %(first)s AND %(last)s
