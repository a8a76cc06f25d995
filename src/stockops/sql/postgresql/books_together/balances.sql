-- Of global_zero, cash, holdings and inventory, in one pass over the journal: what each looked at, and how many balances may violate it.
-- Entries are added up by account and asset, and each sum is held to what is stated of it. Of each asset the house's entries
-- are held to the inventory, and all of them to nothing.
WITH sums AS (
    SELECT account_id, asset, sum(amount) AS amount, count(*) AS entries
    FROM journal_entries
    GROUP BY account_id, asset
),
sides AS (
    SELECT account_id, asset, amount, entries, 0 AS stated, 0 AS in_inventory
    FROM sums
    UNION ALL
    SELECT account_id, symbol, 0, 0, quantity, 0 FROM positions
    UNION ALL
    SELECT account_id, 'KRW', 0, 0, cash_won, 0 FROM accounts
    UNION ALL
    SELECT NULL, symbol, 0, 0, 0, available_shares FROM stock_inventory
),
balances AS (
    SELECT account_id, asset, sum(amount) AS amount, sum(entries) AS entries, sum(stated) AS stated, sum(in_inventory) AS in_inventory
    FROM sides
    GROUP BY account_id, asset
),
assets AS (
    SELECT
        b.asset, sum(b.amount) AS amount, sum(b.entries) AS entries,
        sum(b.in_inventory) - coalesce(sum(CASE a.kind WHEN 'house' THEN b.amount END), 0) AS extra_shares,
        -- The house carries nothing in its rows.
        count(*) FILTER (WHERE b.stated <> CASE WHEN a.kind <> 'customer' THEN 0 ELSE b.amount END) AS balances
    FROM balances AS b
    LEFT JOIN accounts AS a ON a.account_id = b.account_id
    GROUP BY b.asset
),
counted AS (
    SELECT
        sum(entries) AS entries, count(*) FILTER (WHERE amount <> 0) AS sums, sum(CASE asset WHEN 'KRW' THEN balances ELSE 0 END) AS cash,
        sum(CASE asset WHEN 'KRW' THEN 0 ELSE balances END) AS holdings, count(*) FILTER (WHERE asset <> 'KRW' AND extra_shares <> 0) AS inventory
    FROM assets
),
names AS (
    SELECT 'global_zero' AS name UNION ALL SELECT 'cash' UNION ALL SELECT 'holdings' UNION ALL SELECT 'inventory'
)
SELECT
    n.name,
    CASE n.name
        WHEN 'global_zero' THEN c.entries
        WHEN 'cash' THEN (SELECT count(*) FROM accounts)
        WHEN 'holdings' THEN (SELECT count(*) FROM positions)
        ELSE (SELECT count(*) FROM stocks)
    END AS looked_at,
    CASE n.name WHEN 'global_zero' THEN c.sums WHEN 'cash' THEN c.cash WHEN 'holdings' THEN c.holdings ELSE c.inventory END AS suspects
FROM counted AS c
CROSS JOIN names AS n
ORDER BY n.name
