-- What no foreign key can hold in partitioned tables: every account, asset, user and issue that a row names is there.
-- Rows of the first and the last partition, which stand for all dates before and after, are looked at like any other.
-- Entries are counted once, by account and asset, which an index holds.
WITH named AS (
    SELECT account_id, asset, count(*) AS in_rows
    FROM journal_entries
    GROUP BY account_id, asset
),
wrong AS (
    SELECT
        CASE w.named WHEN 1 THEN 'journal_entries.account_id' ELSE 'journal_entries.asset' END AS owner,
        CASE w.named WHEN 1 THEN concat(n.account_id) ELSE n.asset END AS owner_id, sum(n.in_rows) AS in_rows
    FROM named AS n
    CROSS JOIN (SELECT 1 AS named UNION ALL SELECT 2) AS w
    LEFT JOIN accounts AS k ON k.account_id = n.account_id AND w.named = 1
    LEFT JOIN stocks AS s ON s.symbol = n.asset AND w.named = 2
    WHERE (w.named = 1 AND k.account_id IS NULL) OR (w.named = 2 AND n.asset <> 'KRW' AND s.symbol IS NULL)
    GROUP BY w.named, CASE w.named WHEN 1 THEN concat(n.account_id) ELSE n.asset END
    UNION ALL
    SELECT 'audit_log.user_id', concat(n.user_id), n.in_rows
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
