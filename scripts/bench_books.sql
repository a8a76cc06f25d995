-- The orders, trades, entries and audit rows of the units, and what they add up to; both engines read it.
INSERT INTO orders (
    order_id, account_id, idempotency_key, symbol, side, kind, limit_won, quantity, filled_quantity, status, business_date, placed_at, closed_event_id
)
SELECT sell_id, seller_id, concat('bench-', sell_id), symbol, 'sell', 'limit', 50000, quantity, quantity, 'filled', %(day)s, %(at)s, trade_id FROM units
UNION ALL
SELECT buy_id, buyer_id, concat('bench-', buy_id), symbol, 'buy', 'limit', 50000, quantity, quantity, 'filled', %(day)s, %(at)s, trade_id FROM units;
INSERT INTO trades (
    trade_id, symbol, buy_order_id, sell_order_id, taker_side, price_won, quantity, buy_fee_won, sell_fee_won, sell_tax_won,
    business_date, settles_on, traded_at
)
SELECT trade_id, symbol, buy_id, sell_id, 'buy', 50000, quantity, buy_fee_won, sell_fee_won, tax_won, %(day)s, settles_on, %(at)s FROM units;
INSERT INTO journal_entries (journal_id, leg, business_date, account_id, asset, amount, kind)
SELECT trade_id, 1, %(day)s, buyer_id, 'KRW', -value_won - buy_fee_won, 'trade' FROM units
UNION ALL SELECT trade_id, 2, %(day)s, seller_id, 'KRW', value_won - sell_fee_won - tax_won, 'trade' FROM units
UNION ALL SELECT trade_id, 3, %(day)s, buyer_id, symbol, quantity, 'trade' FROM units
UNION ALL SELECT trade_id, 4, %(day)s, seller_id, symbol, -quantity, 'trade' FROM units
UNION ALL SELECT trade_id, 5, %(day)s, 2, 'KRW', buy_fee_won + sell_fee_won, 'fee' FROM units WHERE buy_fee_won + sell_fee_won > 0
UNION ALL SELECT trade_id, 6, %(day)s, 3, 'KRW', tax_won, 'tax' FROM units WHERE tax_won > 0;
INSERT INTO audit_log (audit_id, business_date, user_id, action, entity, entity_id, detail)
SELECT sell_id, %(day)s, seller_id, 'place', 'order', sell_id, concat_ws(' ', 'sell limit', symbol, quantity, 'at 50000 open filled 0 for 0') FROM units
UNION ALL
SELECT buy_id, %(day)s, buyer_id, 'place', 'order', buy_id, concat_ws(' ', 'buy limit', symbol, quantity, 'at 50000 filled filled', quantity, 'for', value_won) FROM units;
CREATE TEMPORARY TABLE paid AS
SELECT m.account_id, sum(m.won) AS won
FROM (
    SELECT buyer_id AS account_id, -value_won - buy_fee_won AS won FROM units
    UNION ALL
    SELECT seller_id, value_won - sell_fee_won - tax_won FROM units
) AS m
GROUP BY m.account_id;
UPDATE accounts SET cash_won = cash_won + (SELECT p.won FROM paid AS p WHERE p.account_id = accounts.account_id)
WHERE account_id IN (SELECT q.account_id FROM paid AS q);
CREATE TEMPORARY TABLE moved AS
SELECT m.account_id, m.symbol, sum(m.quantity) AS quantity
FROM (
    SELECT buyer_id AS account_id, symbol, quantity FROM units
    UNION ALL
    SELECT seller_id, symbol, -quantity FROM units
) AS m
GROUP BY m.account_id, m.symbol
HAVING sum(m.quantity) <> 0;
CREATE INDEX moved_ix ON moved (account_id, symbol);
UPDATE positions SET
    cost_won = cost_won + 50000 * (SELECT m.quantity FROM moved AS m WHERE m.account_id = positions.account_id AND m.symbol = positions.symbol),
    quantity = quantity + (SELECT m.quantity FROM moved AS m WHERE m.account_id = positions.account_id AND m.symbol = positions.symbol)
WHERE EXISTS (SELECT 1 FROM moved AS n WHERE n.account_id = positions.account_id AND n.symbol = positions.symbol);
UPDATE stock_inventory SET
    quote_date = %(day)s, last_won = 50000,
    settles_on = (SELECT max(settles_on) FROM units), sell_tax_rate = (SELECT t.sell_rate FROM tax_rates AS t WHERE t.market = 'KOSPI' AND t.settles_from <= (SELECT max(v.settles_on) FROM units AS v) ORDER BY t.settles_from DESC LIMIT 1);
DROP TABLE moved;
DROP TABLE paid;
DROP TABLE units
