-- All entries of an asset, over all accounts, sum to zero: money and shares move, and are never made.
WITH wrong AS (
    SELECT asset, count(*) AS entries, sum(amount) AS total
    FROM journal_entries
    GROUP BY asset
    HAVING sum(amount) <> 0
),
shown AS (
    SELECT
        row_number() OVER (ORDER BY asset) AS place_no,
        count(*) OVER () AS violations,
        concat_ws(' ', 'asset', asset) AS entity,
        'sum 0' AS expected,
        concat_ws(' ', 'sum', total, 'of', entries, 'entries') AS found
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
