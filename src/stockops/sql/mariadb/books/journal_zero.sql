-- Every journal sums to zero for each asset, in two or more legs of one business date.
WITH journals AS (
    SELECT SQL_BIG_RESULT
        journal_id, asset, count(*) AS legs, sum(amount) AS total,
        min(business_date) AS first_date, max(business_date) AS last_date
    FROM journal_entries IGNORE INDEX (journal_entries_account_ix)
    GROUP BY journal_id, asset
),
wrong AS (
    SELECT journal_id, asset, legs, total, first_date, last_date
    FROM journals
    WHERE total <> 0 OR legs < 2 OR first_date <> last_date
),
shown AS (
    SELECT
        row_number() OVER (ORDER BY journal_id, asset) AS place_no,
        count(*) OVER () AS violations,
        concat_ws(' ', 'journal', journal_id, asset) AS entity,
        '2 or more legs of one date, sum 0' AS expected,
        concat_ws(' ', legs, 'legs of', first_date, 'to', last_date, 'sum', total) AS found
    FROM wrong
    ORDER BY place_no
    LIMIT 20
),
looked AS (
    SELECT (SELECT count(*) FROM journal_entries) AS looked_at
)
SELECT l.looked_at, coalesce(s.violations, 0) AS violations, s.entity, s.expected, s.found
FROM looked AS l
LEFT JOIN shown AS s ON 1 = 1
ORDER BY s.place_no
