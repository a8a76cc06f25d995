-- The logical content of a page of portfolio_targets, by portfolio_id: the same text on both engines.
-- Needs: SELECT on portfolio_targets.
SELECT
    string_agg(concat_ws(
        '|', t.portfolio_id, t.symbol, t.weight_bp
    ), E'\n' ORDER BY t.portfolio_id, t.symbol) AS block,
    count(*) AS line_count
FROM portfolio_targets AS t
WHERE t.portfolio_id BETWEEN %(first)s AND %(last)s
