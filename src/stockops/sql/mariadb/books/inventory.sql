-- The house inventory of every issue is the sum of the house's entries.
WITH entries AS (
    SELECT j.asset, sum(j.amount) AS total
    FROM journal_entries AS j IGNORE INDEX (journal_entries_account_ix)
    -- A LIMIT makes the few accounts a table of its own, which every entry is held to; without it each asks the accounts.
    JOIN (SELECT account_id FROM accounts WHERE kind = 'house' LIMIT 1000) AS a ON a.account_id = j.account_id
    WHERE j.asset <> 'KRW'
    GROUP BY j.asset
),
wrong AS (
    SELECT s.symbol, coalesce(i.available_shares, 0) AS available_shares, coalesce(e.total, 0) AS due
    FROM stocks AS s
    LEFT JOIN stock_inventory AS i ON i.symbol = s.symbol
    LEFT JOIN entries AS e ON e.asset = s.symbol
    WHERE coalesce(i.available_shares, 0) <> coalesce(e.total, 0)
),
shown AS (
    SELECT
        row_number() OVER (ORDER BY symbol) AS place_no,
        count(*) OVER () AS violations,
        concat_ws(' ', 'issue', symbol) AS entity,
        concat_ws(' ', due, 'shares') AS expected,
        concat_ws(' ', available_shares, 'shares') AS found
    FROM wrong
    ORDER BY place_no
    LIMIT 20
),
looked AS (
    SELECT (SELECT count(*) FROM stocks) AS looked_at
)
SELECT l.looked_at, coalesce(s.violations, 0) AS violations, s.entity, s.expected, s.found
FROM looked AS l
LEFT JOIN shown AS s ON 1 = 1
ORDER BY s.place_no
