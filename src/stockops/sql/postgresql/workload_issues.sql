-- Which issues take orders on a business date, with the price that trading starts from and the limits of the day.
-- The limits are those that the issue keeps for its day; a later day gets its own with its first order, as computed here.
-- They are NULL where no row of tick_sizes or price_limits is in force.
-- Needs: SELECT on stocks, stock_inventory, stock_prices; EXECUTE on lower_limit_won, upper_limit_won.
SELECT
    b.symbol AS symbol,
    b.market AS market,
    b.last_won AS last_won,
    CASE WHEN b.is_day THEN b.lower_won ELSE lower_limit_won(b.market, %(on)s::date, b.last_won) END AS lower_won,
    CASE WHEN b.is_day THEN b.upper_won ELSE upper_limit_won(b.market, %(on)s::date, b.last_won) END AS upper_won
FROM (
    SELECT
        i.symbol,
        s.market,
        coalesce(
            (
                SELECT p.close_won
                FROM stock_prices AS p
                WHERE p.symbol = i.symbol AND p.price_date >= i.quote_date AND p.price_date < %(on)s::date
                ORDER BY p.price_date DESC
                LIMIT 1
            ),
            i.last_won
        ) AS last_won,
        i.quote_date = %(on)s::date AS is_day,
        i.lower_won,
        i.upper_won
    FROM stock_inventory AS i
    JOIN stocks AS s ON s.symbol = i.symbol
    WHERE s.status = 'listed' AND i.quote_date <= %(on)s::date
) AS b
ORDER BY b.symbol
