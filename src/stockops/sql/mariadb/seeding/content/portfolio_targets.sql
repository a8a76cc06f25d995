-- The logical content of a page of portfolio_targets, by portfolio_id: the same text on both engines.
-- Needs: SELECT on portfolio_targets.
SELECT
    group_concat(concat_ws(
        '|', t.portfolio_id, t.symbol, t.weight_bp
    ) ORDER BY t.portfolio_id, t.symbol SEPARATOR '\n') AS block,
    count(*) AS line_count
FROM portfolio_targets AS t
WHERE t.portfolio_id BETWEEN %(first)s AND %(last)s
