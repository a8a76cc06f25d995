-- Every folded balance of the house is the sum of its entries of that day, and no day up to the last folded one is left out.
WITH sides AS (
    SELECT account_id, asset, business_date, amount, entries, 0 AS due, 0 AS due_entries
    FROM house_balances
    UNION ALL
    SELECT j.account_id, j.asset, j.business_date, 0, 0, sum(j.amount), count(*)
    FROM journal_entries AS j IGNORE INDEX (journal_entries_account_ix)
    -- A LIMIT makes the few accounts a table of its own, which every entry is held to; without it each asks the accounts.
    STRAIGHT_JOIN (SELECT account_id FROM accounts WHERE kind <> 'customer' LIMIT 1000) AS a ON a.account_id = j.account_id
    WHERE j.business_date <= (SELECT max(h.business_date) FROM house_balances AS h)
    GROUP BY j.account_id, j.asset, j.business_date
),
wrong AS (
    SELECT
        account_id, asset, business_date,
        sum(amount) AS amount, sum(entries) AS entries, sum(due) AS due, sum(due_entries) AS due_entries
    FROM sides
    GROUP BY account_id, asset, business_date
    HAVING sum(amount) <> sum(due) OR sum(entries) <> sum(due_entries)
),
shown AS (
    SELECT
        row_number() OVER (ORDER BY account_id, asset, business_date) AS place_no,
        count(*) OVER () AS violations,
        concat_ws(' ', 'account', account_id, asset, 'on', business_date) AS entity,
        concat_ws(' ', due, 'of', due_entries, 'entries') AS expected,
        concat_ws(' ', amount, 'of', entries, 'entries') AS found
    FROM wrong
    ORDER BY place_no
    LIMIT 20
),
looked AS (
    SELECT (SELECT count(*) FROM house_balances) AS looked_at,
        concat_ws(' ', 'folded through', coalesce((SELECT max(business_date) FROM house_balances), 'no date yet')) AS note
)
SELECT l.looked_at, coalesce(s.violations, 0) AS violations, s.entity, s.expected, s.found, l.note
FROM looked AS l
LEFT JOIN shown AS s ON 1 = 1
ORDER BY s.place_no
