-- The cash of every customer is the sum of its KRW entries; an account of the house carries none in its row.
WITH entries AS (
    SELECT account_id, sum(amount) AS total_won
    FROM journal_entries
    WHERE asset = 'KRW'
    GROUP BY account_id
),
due AS (
    SELECT a.account_id, a.cash_won, CASE WHEN a.kind = 'customer' THEN coalesce(e.total_won, 0) ELSE 0 END AS due_won
    FROM accounts AS a
    LEFT JOIN entries AS e ON e.account_id = a.account_id
),
wrong AS (
    SELECT account_id, cash_won, due_won
    FROM due
    WHERE cash_won <> due_won
),
shown AS (
    SELECT
        row_number() OVER (ORDER BY account_id) AS place_no,
        count(*) OVER () AS violations,
        concat_ws(' ', 'account', account_id) AS entity,
        concat_ws(' ', due_won, 'won') AS expected,
        concat_ws(' ', cash_won, 'won') AS found
    FROM wrong
    ORDER BY place_no
    LIMIT 20
),
looked AS (
    SELECT (SELECT count(*) FROM accounts) AS looked_at
)
SELECT l.looked_at, coalesce(s.violations, 0) AS violations, s.entity, s.expected, s.found
FROM looked AS l
LEFT JOIN shown AS s ON 1 = 1
ORDER BY s.place_no
