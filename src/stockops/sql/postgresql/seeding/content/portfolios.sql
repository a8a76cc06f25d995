-- The logical content of a page of portfolios, by portfolio_id: the same text on both engines.
-- Needs: SELECT on portfolios.
SELECT
    string_agg(concat_ws(
        '|', t.portfolio_id, t.user_id, t.account_id, t.name, t.band_bp, t.status,
            to_char(t.created_at, 'YYYY-MM-DD HH24:MI:SS')
    ), E'\n' ORDER BY t.portfolio_id) AS block,
    count(*) AS line_count
FROM portfolios AS t
WHERE t.portfolio_id BETWEEN %(first)s AND %(last)s
