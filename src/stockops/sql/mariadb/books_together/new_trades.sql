-- Of new trades and new journals: what each invariant looked at, and how many rows may violate it.
-- Every new trade is held to its orders and to its journal, which is new with it; then what is left of the new entries is no
-- trade's. What adds up to nothing in each journal adds up to nothing in all of them. Of a trade whose fees and tax are right, the
-- accounts and the issue are there.
-- A row that may not is right for certain: what cannot be told counts. Tables made DISTINCT are in memory, with a key.
-- How a trade is judged is what the pass over all trades says: `judged` is put before this, of new trades.
-- As many legs are there as are due, and all of them fit: then each is there once. A bit says what does not fit of any.
WITH dealt AS (
    SELECT
        count(CASE leg WHEN 1 THEN CASE WHEN is_of_date THEN 1 END END) AS trades, count(journal_id) AS legs,
        sum(CASE leg WHEN 1 THEN 4 + has_fee + has_tax ELSE 0 END) AS legs_due,
        bit_or(
            CASE WHEN leg_fits THEN 0 ELSE 1 END
            + CASE leg WHEN 1 THEN 2 * (NOT sides_fit) + 4 * (NOT owners_differ) + 8 * (NOT fees_fit) + 16 * (NOT tax_fits) ELSE 0 END
        ) AS faults
    FROM judged
),
-- The journals that no trade has.
others AS (
    SELECT
        coalesce(sum(legs), 0) AS legs, coalesce(sum(strays), 0) AS strays,
        coalesce(sum(total <> 0 OR legs < 2 OR first_date <> last_date), 0) AS journals
    FROM (
        SELECT
            e.journal_id, e.asset, count(*) AS legs, sum(e.amount) AS total, min(e.business_date) AS first_date, max(e.business_date) AS last_date,
            sum(k.account_id IS NULL OR (e.asset <> 'KRW' AND i.symbol IS NULL)) AS strays
        FROM new_journal_entries AS e
        LEFT JOIN accounts AS k ON k.account_id = e.account_id
        LEFT JOIN stocks AS i ON i.symbol = e.asset
        WHERE e.kind NOT IN ('trade', 'fee', 'tax')
        GROUP BY e.journal_id, e.asset
    ) AS o
),
-- Of other tables than the journal.
strays AS (
    SELECT 1 AS n
    FROM (SELECT DISTINCT user_id FROM new_audit_log WHERE user_id IS NOT NULL) AS n
    LEFT JOIN users AS k ON k.user_id = n.user_id
    WHERE k.user_id IS NULL
    UNION ALL
    SELECT 1
    FROM (SELECT DISTINCT symbol FROM stock_prices) AS n
    LEFT JOIN stocks AS k ON k.symbol = n.symbol
    WHERE k.symbol IS NULL
    UNION ALL
    SELECT 1
    FROM (SELECT DISTINCT symbol FROM technical_indicators) AS n
    LEFT JOIN stocks AS k ON k.symbol = n.symbol
    WHERE k.symbol IS NULL
),
suspected AS (
    SELECT
        t.faults, t.trades <> %(new_trades_count)s AS missing,
        (t.trades <> %(new_trades_count)s) + (t.legs <> t.legs_due) + (t.faults & 1) + (%(new_journal_entries_count)s <> t.legs + o.legs) AS journals,
        o.journals AS other_journals, o.strays
    FROM dealt AS t
    CROSS JOIN others AS o
),
names AS (
    SELECT 'trade_sides' AS name
    UNION ALL SELECT 'self_trade'
    UNION ALL SELECT 'fees'
    UNION ALL SELECT 'tax'
    UNION ALL SELECT 'trade_journal'
    UNION ALL SELECT 'journal_zero'
    UNION ALL SELECT 'global_zero'
    UNION ALL SELECT 'orphans'
)
SELECT
    n.name,
    CASE n.name
        WHEN 'self_trade' THEN (SELECT count(*) FROM new_trades WHERE buy_order_id IS NOT NULL AND sell_order_id IS NOT NULL)
        WHEN 'journal_zero' THEN %(new_journal_entries_count)s + 0
        WHEN 'global_zero' THEN %(new_journal_entries_count)s + 0
        WHEN 'orphans'
            THEN %(new_journal_entries_count)s + %(new_audit_log_count)s + (SELECT count(*) FROM stock_prices) + (SELECT count(*) FROM technical_indicators)
        ELSE %(new_trades_count)s + 0
    END AS looked_at,
    CASE n.name
        WHEN 'trade_sides' THEN s.missing + (s.faults & 2)
        WHEN 'self_trade' THEN s.missing + (s.faults & 4)
        WHEN 'fees' THEN s.missing + (s.faults & 8)
        WHEN 'tax' THEN s.missing + (s.faults & 16)
        WHEN 'trade_journal' THEN s.journals
        WHEN 'orphans'
            THEN s.missing + (s.faults & 24) + s.journals + s.strays + ((SELECT count(*) FROM accounts WHERE account_id IN (1, 2, 3)) <> 3)
            + (SELECT count(*) FROM strays)
        ELSE s.journals + s.other_journals
    END AS suspects
FROM suspected AS s
CROSS JOIN names AS n
ORDER BY n.name
