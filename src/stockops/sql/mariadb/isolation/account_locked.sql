-- The same account, its row locked until the transaction ends, as place_order locks it.
-- Needs: SELECT on accounts, fee_schedules; UPDATE on accounts.
SELECT
    a.account_id AS account_id,
    a.user_id AS user_id,
    a.tax_exempt AS tax_exempt,
    a.cash_won AS cash_won,
    a.reserved_won AS reserved_won,
    (
        SELECT f.commission_rate
        FROM fee_schedules AS f
        WHERE f.broker_id = a.broker_id AND f.valid_from <= %(on)s
        ORDER BY f.valid_from DESC
        LIMIT 1
    ) AS rate
FROM accounts AS a
WHERE a.account_id = %(account_id)s
FOR UPDATE
