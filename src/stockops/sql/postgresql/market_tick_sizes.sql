-- Which price steps are in force on a date, by market, the lowest band first: the newest set of each market.
-- Needs: SELECT on tick_sizes.
SELECT
    t.market AS market,
    t.price_from_won AS price_from_won,
    t.tick_won AS tick_won
FROM tick_sizes AS t
WHERE
    t.valid_from = (
        SELECT max(f.valid_from) FROM tick_sizes AS f WHERE f.market = t.market AND f.valid_from <= %(on)s::date
    )
ORDER BY t.market, t.price_from_won
