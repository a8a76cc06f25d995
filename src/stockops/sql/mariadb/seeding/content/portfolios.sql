-- The logical content of a page of portfolios, by portfolio_id: the same text on both engines.
-- Needs: SELECT on portfolios.
SELECT
    group_concat(concat_ws(
        '|', t.portfolio_id, t.user_id, t.account_id, t.name, t.band_bp, t.status, left(t.created_at, 19)
    ) ORDER BY t.portfolio_id SEPARATOR '\n') AS block,
    count(*) AS line_count
FROM portfolios AS t
WHERE t.portfolio_id BETWEEN %(first)s AND %(last)s
