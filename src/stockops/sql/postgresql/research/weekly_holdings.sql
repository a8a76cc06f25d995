-- Shares of accounts by the journal before a date and until another, each with the last price of that moment.
-- The last trade of a day that has no close yet, or is the last one with a close, is the price of an issue on it.
-- A close from before a split counts by its ratio for the shares after it, parts of a won cut off.
-- Needs: SELECT on journal_entries, accounts, stocks, stock_inventory, stock_prices, price_factors.
WITH held AS (
    SELECT
        a.user_id, j.account_id, j.asset AS symbol,
        sum(CASE WHEN j.business_date < %(first_date)s::date THEN j.amount ELSE 0 END) AS shares_before,
        sum(j.amount) AS shares_after
    FROM journal_entries AS j
    JOIN accounts AS a ON a.account_id = j.account_id
    WHERE (%(user_id)s::bigint IS NULL OR a.user_id = %(user_id)s::bigint) AND a.kind = 'customer' AND j.asset <> 'KRW' AND j.business_date <= %(through_date)s::date
    GROUP BY a.user_id, j.account_id, j.asset
),
dated AS (
    SELECT
        d.symbol,
        (
            SELECT c.price_date FROM stock_prices AS c WHERE c.symbol = d.symbol AND c.price_date < %(first_date)s::date
            ORDER BY c.price_date DESC LIMIT 1
        ) AS date_before,
        (
            SELECT c.price_date FROM stock_prices AS c WHERE c.symbol = d.symbol AND c.price_date <= %(through_date)s::date
            ORDER BY c.price_date DESC LIMIT 1
        ) AS date_after
    FROM (SELECT DISTINCT h.symbol FROM held AS h) AS d
),
priced AS (
    SELECT
        d.symbol,
        CASE
            WHEN i.quote_date < %(first_date)s::date AND i.quote_date >= coalesce(d.date_before, i.quote_date) THEN i.last_won
            ELSE b.close_won * coalesce(fb.old_shares, 1) * coalesce(tb.new_shares, 1) / (coalesce(fb.new_shares, 1) * coalesce(tb.old_shares, 1))
        END AS price_before,
        CASE
            WHEN i.quote_date <= %(through_date)s::date AND i.quote_date >= coalesce(d.date_after, i.quote_date) THEN i.last_won
            ELSE c.close_won * coalesce(fc.old_shares, 1) * coalesce(tc.new_shares, 1) / (coalesce(fc.new_shares, 1) * coalesce(tc.old_shares, 1))
        END AS price_after
    FROM dated AS d
    LEFT JOIN stock_inventory AS i ON i.symbol = d.symbol
    LEFT JOIN stock_prices AS b ON b.symbol = d.symbol AND b.price_date = d.date_before
    LEFT JOIN stock_prices AS c ON c.symbol = d.symbol AND c.price_date = d.date_after
    LEFT JOIN price_factors AS fb ON fb.symbol = d.symbol AND fb.before_date = (
        SELECT min(n.before_date) FROM price_factors AS n WHERE n.symbol = d.symbol AND n.before_date > d.date_before
    )
    LEFT JOIN price_factors AS tb ON tb.symbol = d.symbol AND tb.before_date = (
        SELECT min(n.before_date) FROM price_factors AS n WHERE n.symbol = d.symbol AND n.before_date >= %(first_date)s::date
    )
    LEFT JOIN price_factors AS fc ON fc.symbol = d.symbol AND fc.before_date = (
        SELECT min(n.before_date) FROM price_factors AS n WHERE n.symbol = d.symbol AND n.before_date > d.date_after
    )
    LEFT JOIN price_factors AS tc ON tc.symbol = d.symbol AND tc.before_date = (
        SELECT min(n.before_date) FROM price_factors AS n WHERE n.symbol = d.symbol AND n.before_date > %(through_date)s::date
    )
)
SELECT
    h.user_id AS user_id,
    h.account_id AS account_id,
    h.symbol AS symbol,
    s.name AS name,
    (h.shares_before)::bigint AS shares_before,
    (h.shares_after)::bigint AS shares_after,
    p.price_before AS price_before,
    p.price_after AS price_after
FROM held AS h
JOIN priced AS p ON p.symbol = h.symbol
JOIN stocks AS s ON s.symbol = h.symbol
ORDER BY h.user_id, h.account_id, h.symbol
