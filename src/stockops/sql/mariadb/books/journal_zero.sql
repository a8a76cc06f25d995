-- Every journal sums to zero for each asset, in two or more legs of one business date.
-- Journals are read in the order of their numbers, a journal at a time, and judged as a whole: of won, and of one issue.
-- Only what does not pass so is judged asset by asset.
WITH suspects AS (
    SELECT journal_id
    FROM journal_entries IGNORE INDEX (journal_entries_account_ix)
    GROUP BY journal_id
    HAVING
        min(business_date) <> max(business_date) OR sum(amount) <> 0 OR sum(CASE asset WHEN 'KRW' THEN amount END) <> 0
        OR count(nullif(asset, 'KRW')) IN (1, count(*) - 1) OR min(nullif(asset, 'KRW')) <> max(nullif(asset, 'KRW'))
),
wrong AS (
    SELECT
        j.journal_id, j.asset, count(*) AS legs, sum(j.amount) AS total,
        min(j.business_date) AS first_date, max(j.business_date) AS last_date
    FROM suspects AS s
    STRAIGHT_JOIN journal_entries AS j ON j.journal_id = s.journal_id
    GROUP BY j.journal_id, j.asset
    HAVING sum(j.amount) <> 0 OR count(*) < 2 OR min(j.business_date) <> max(j.business_date)
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
