-- What no foreign key can hold in partitioned tables: every account, asset, user and issue that a row names is there.
-- Rows of the first and the last partition, which stand for all dates before and after, are looked at like any other.
-- What is named is read from one place of an index to the next; how many rows name it is counted of what is not there.
WITH named AS (
    SELECT DISTINCT account_id, asset
    FROM journal_entries
),
missing AS (
    SELECT n.account_id, n.asset, k.account_id IS NULL AS is_account, n.asset <> 'KRW' AND s.symbol IS NULL AS is_asset
    FROM named AS n
    LEFT JOIN accounts AS k ON k.account_id = n.account_id
    LEFT JOIN stocks AS s ON s.symbol = n.asset
    WHERE k.account_id IS NULL OR (n.asset <> 'KRW' AND s.symbol IS NULL)
),
wrong AS (
    SELECT
        CASE w.named WHEN 1 THEN 'journal_entries.account_id' ELSE 'journal_entries.asset' END AS owner,
        CASE w.named WHEN 1 THEN concat(m.account_id) ELSE m.asset END AS owner_id, count(*) AS in_rows
    FROM missing AS m
    STRAIGHT_JOIN (SELECT 1 AS named UNION ALL SELECT 2) AS w ON (w.named = 1 AND m.is_account) OR (w.named = 2 AND m.is_asset)
    STRAIGHT_JOIN journal_entries AS j ON j.account_id = m.account_id AND j.asset = m.asset
    GROUP BY w.named, CASE w.named WHEN 1 THEN concat(m.account_id) ELSE m.asset END
    UNION ALL
    SELECT 'audit_log.user_id', concat(n.user_id), count(*)
    FROM (SELECT DISTINCT user_id FROM audit_log WHERE user_id IS NOT NULL) AS n
    LEFT JOIN users AS k ON k.user_id = n.user_id
    STRAIGHT_JOIN audit_log AS l ON l.user_id = n.user_id
    WHERE k.user_id IS NULL
    GROUP BY n.user_id
    UNION ALL
    SELECT 'stock_prices.symbol', n.symbol, n.in_rows
    FROM (SELECT symbol, count(*) AS in_rows FROM stock_prices GROUP BY symbol) AS n
    LEFT JOIN stocks AS k ON k.symbol = n.symbol
    WHERE k.symbol IS NULL
    UNION ALL
    SELECT 'technical_indicators.symbol', n.symbol, n.in_rows
    FROM (SELECT symbol, count(*) AS in_rows FROM technical_indicators GROUP BY symbol) AS n
    LEFT JOIN stocks AS k ON k.symbol = n.symbol
    WHERE k.symbol IS NULL
),
shown AS (
    SELECT
        row_number() OVER (ORDER BY owner, owner_id) AS place_no,
        count(*) OVER () AS violations,
        concat_ws(' ', owner, owner_id) AS entity,
        'a row that it names' AS expected,
        concat_ws(' ', 'none, named by', in_rows, 'rows') AS found
    FROM wrong
    ORDER BY place_no
    LIMIT 20
),
looked AS (
    SELECT (SELECT count(*) FROM journal_entries) + (SELECT count(*) FROM audit_log) + (SELECT count(*) FROM stock_prices)
        + (SELECT count(*) FROM technical_indicators) AS looked_at
)
SELECT l.looked_at, coalesce(s.violations, 0) AS violations, s.entity, s.expected, s.found
FROM looked AS l
LEFT JOIN shown AS s ON 1 = 1
ORDER BY s.place_no
