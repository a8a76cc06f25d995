-- All entries of an asset, over all accounts, sum to zero: money and shares move, and are never made.
WITH judged AS (
    SELECT asset, sum(amount) AS total, count(*) AS looked_at, CASE WHEN sum(amount) <> 0 THEN 1 ELSE 0 END AS is_wrong
    FROM journal_entries
    GROUP BY asset
),
numbered AS (
    SELECT
        asset, total, looked_at AS entries, is_wrong,
        row_number() OVER (ORDER BY is_wrong DESC, asset) AS place_no,
        sum(is_wrong) OVER () AS violations,
        sum(looked_at) OVER () AS looked_at
    FROM judged
)
SELECT
    coalesce(n.looked_at, 0) AS looked_at,
    coalesce(n.violations, 0) AS violations,
    CASE WHEN n.is_wrong = 1 THEN concat_ws(' ', 'asset', n.asset) END AS entity,
    'sum 0' AS expected,
    concat_ws(' ', 'sum', n.total, 'of', n.entries, 'entries') AS found
FROM (SELECT 1 AS n) AS one
LEFT JOIN numbered AS n ON n.place_no = 1 OR (n.is_wrong = 1 AND n.place_no <= 20)
ORDER BY n.place_no
