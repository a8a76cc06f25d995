-- The sessions of a market on a business date in which place_order takes orders, as minutes after midnight, Korean time.
-- Needs: SELECT on market_sessions.
SELECT
    s.matching AS matching,
    CAST(time_to_sec(s.opens_at) DIV 60 AS SIGNED) AS opens_minute,
    CAST(time_to_sec(s.closes_at) DIV 60 AS SIGNED) AS closes_minute
FROM market_sessions AS s
WHERE
    s.market = %(market)s
    AND s.matching IN ('continuous', 'auction')
    AND s.valid_from = (
        SELECT max(n.valid_from)
        FROM market_sessions AS n
        WHERE
            n.market = s.market AND n.session = s.session AND n.valid_from <= %(on)s
            AND (n.valid_to IS NULL OR n.valid_to >= %(on)s)
    )
ORDER BY s.opens_at
