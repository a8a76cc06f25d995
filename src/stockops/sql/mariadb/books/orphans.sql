-- What no foreign key can hold in partitioned tables: every account, asset, user and issue that a row names is there.
-- Rows of the first and the last partition, which stand for all dates before and after, are looked at like any other.
WITH named AS (
    SELECT 'journal_entries.account_id' AS owner, concat(account_id) AS owner_id, count(*) AS in_rows, count(*) AS looked_at
    FROM journal_entries
    GROUP BY account_id
    UNION ALL
    SELECT 'journal_entries.asset', asset, count(*), 0 FROM journal_entries WHERE asset <> 'KRW' GROUP BY asset
    UNION ALL
    SELECT 'audit_log.user_id', concat(user_id), count(*), count(*) FROM audit_log GROUP BY user_id
    UNION ALL
    SELECT 'stock_prices.symbol', symbol, count(*), count(*) FROM stock_prices GROUP BY symbol
),
known AS (
    SELECT 'journal_entries.account_id' AS owner, concat(account_id) AS owner_id FROM accounts
    UNION ALL
    SELECT 'journal_entries.asset', symbol FROM stocks
    UNION ALL
    SELECT 'audit_log.user_id', concat(user_id) FROM users
    UNION ALL
    SELECT 'stock_prices.symbol', symbol FROM stocks
),
judged AS (
    SELECT n.owner, n.owner_id, n.in_rows, n.looked_at, CASE WHEN n.owner_id IS NOT NULL AND k.owner_id IS NULL THEN 1 ELSE 0 END AS is_wrong
    FROM named AS n
    LEFT JOIN known AS k ON k.owner = n.owner AND k.owner_id = n.owner_id
),
numbered AS (
    SELECT
        owner, owner_id, in_rows, is_wrong,
        row_number() OVER (ORDER BY is_wrong DESC, owner, owner_id) AS place_no,
        sum(is_wrong) OVER () AS violations,
        sum(looked_at) OVER () AS looked_at
    FROM judged
)
SELECT
    coalesce(n.looked_at, 0) AS looked_at,
    coalesce(n.violations, 0) AS violations,
    CASE WHEN n.is_wrong = 1 THEN concat_ws(' ', n.owner, n.owner_id) END AS entity,
    'a row that it names' AS expected,
    concat_ws(' ', 'none, named by', n.in_rows, 'rows') AS found
FROM (SELECT 1 AS n) AS one
LEFT JOIN numbered AS n ON n.place_no = 1 OR (n.is_wrong = 1 AND n.place_no <= 20)
ORDER BY n.place_no
