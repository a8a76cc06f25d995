-- The journal added up: for each account and asset, and for the house each date that can still be folded.
WITH dated AS (
    SELECT
        j.account_id, j.asset, j.amount,
        CASE WHEN a.kind <> 'customer' AND j.business_date >= f.folded_through THEN j.business_date ELSE DATE '1000-01-01' END AS business_date
    FROM journal_entries AS j
    LEFT JOIN accounts AS a ON a.account_id = j.account_id
    CROSS JOIN (SELECT max(business_date) AS folded_through FROM house_balances) AS f
),
sums AS (
    SELECT account_id, asset, business_date, sum(amount) AS amount, count(*) AS entries
    FROM dated
    GROUP BY account_id, asset, business_date
)
SELECT s.account_id, s.asset, s.business_date, s.amount, s.entries, coalesce(p.cost_won, 0) AS cost_won
FROM sums AS s
LEFT JOIN positions AS p ON p.account_id = s.account_id AND p.symbol = s.asset
