-- The sessions of a market on a business date in which place_order takes orders, as minutes after midnight, Korean time.
-- Needs: SELECT on market_sessions.
SELECT
    s.matching AS matching,
    (extract(epoch FROM s.opens_at) / 60)::integer AS opens_minute,
    (extract(epoch FROM s.closes_at) / 60)::integer AS closes_minute
FROM market_sessions AS s
WHERE
    s.market = %(market)s
    AND s.matching IN ('continuous', 'auction')
    AND s.valid_from = (
        SELECT max(n.valid_from)
        FROM market_sessions AS n
        WHERE
            n.market = s.market AND n.session = s.session AND n.valid_from <= %(on)s::date
            AND (n.valid_to IS NULL OR n.valid_to >= %(on)s::date)
    )
ORDER BY s.opens_at
