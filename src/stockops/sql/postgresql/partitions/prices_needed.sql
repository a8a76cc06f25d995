-- The first date of daily prices that the books work with: the close that an opening share cost, and the base of the first
-- day of each issue that was traded. Nothing in it where nothing was traded yet.
-- Needs: SELECT on orders, journal_entries, stock_prices.
SELECT least(
    (
        SELECT min(coalesce(
            (SELECT p.price_date FROM stock_prices AS p WHERE p.symbol = f.symbol AND p.price_date < f.first_date ORDER BY p.price_date DESC LIMIT 1),
            f.first_date
        ))
        FROM (SELECT o.symbol, min(o.business_date) AS first_date FROM orders AS o WHERE o.status <> 'rejected' GROUP BY o.symbol) AS f
    ),
    (SELECT min(j.business_date) FROM journal_entries AS j WHERE j.kind = 'open')
) AS needed_from
