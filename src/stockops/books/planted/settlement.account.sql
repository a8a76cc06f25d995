-- Cash comes from nowhere, and is neither settled nor unsettled.
UPDATE accounts
SET cash_won = cash_won + 1
WHERE account_id = (SELECT o.account_id FROM orders AS o JOIN trades AS t ON t.buy_order_id = o.order_id ORDER BY t.trade_id LIMIT 1)
