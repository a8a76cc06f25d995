-- An auction traded nothing although a buy and a sell met.
INSERT INTO auctions (auction_id, symbol, business_date, kind, status, started_at, ends_at, reference_won, volume, uncrossed_event_id)
SELECT -1, t.symbol, t.business_date, 'closing', 'uncrossed', t.traded_at, t.traded_at, t.price_won, 0, t.trade_id
FROM trades AS t
JOIN orders AS b ON b.order_id = t.buy_order_id AND b.kind = 'limit'
JOIN orders AS s ON s.order_id = t.sell_order_id AND s.kind = 'limit'
ORDER BY t.trade_id DESC
LIMIT 1
