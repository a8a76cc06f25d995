-- What no foreign key can hold in partitioned tables: every account, asset, user and issue that a row names is there.
-- Rows of the first and the last partition, which stand for all dates before and after, are looked at like any other.
WITH wrong AS (
    SELECT 'journal_entries.account_id' AS owner, n.account_id::text AS owner_id, n.in_rows
    FROM (SELECT account_id, count(*) AS in_rows FROM journal_entries GROUP BY account_id) AS n
    LEFT JOIN accounts AS k ON k.account_id = n.account_id
    WHERE k.account_id IS NULL
    UNION ALL
    SELECT 'journal_entries.asset', n.asset, n.in_rows
    FROM (SELECT asset, count(*) AS in_rows FROM journal_entries WHERE asset <> 'KRW' GROUP BY asset) AS n
    LEFT JOIN stocks AS k ON k.symbol = n.asset
    WHERE k.symbol IS NULL
    UNION ALL
    SELECT 'audit_log.user_id', n.user_id::text, n.in_rows
    FROM (SELECT user_id, count(*) AS in_rows FROM audit_log WHERE user_id IS NOT NULL GROUP BY user_id) AS n
    LEFT JOIN users AS k ON k.user_id = n.user_id
    WHERE k.user_id IS NULL
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
