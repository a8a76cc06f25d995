-- The position of every customer in every issue is the sum of its entries, and none is missing on either side.
WITH sides AS (
    SELECT account_id, symbol, quantity, 0 AS due
    FROM positions
    UNION ALL
    SELECT j.account_id, j.asset, 0, j.amount
    FROM journal_entries AS j IGNORE INDEX (journal_entries_account_ix)
    WHERE j.asset <> 'KRW' AND j.account_id NOT IN (SELECT a.account_id FROM accounts AS a WHERE a.kind <> 'customer')
),
wrong AS (
    SELECT SQL_BIG_RESULT account_id, symbol, sum(quantity) AS quantity, sum(due) AS due
    FROM sides
    GROUP BY account_id, symbol
    HAVING sum(quantity) <> sum(due)
),
shown AS (
    SELECT
        row_number() OVER (ORDER BY account_id, symbol) AS place_no,
        count(*) OVER () AS violations,
        concat_ws(' ', 'account', account_id, 'position', symbol) AS entity,
        concat_ws(' ', due, 'shares') AS expected,
        concat_ws(' ', quantity, 'shares') AS found
    FROM wrong
    ORDER BY place_no
    LIMIT 20
),
looked AS (
    SELECT (SELECT count(*) FROM positions) AS looked_at
)
SELECT l.looked_at, coalesce(s.violations, 0) AS violations, s.entity, s.expected, s.found
FROM looked AS l
LEFT JOIN shown AS s ON 1 = 1
ORDER BY s.place_no
