-- An opening auction ended after the market had opened.
INSERT INTO auctions (auction_id, symbol, business_date, kind, status, started_at, ends_at, reference_won, volume, uncrossed_event_id)
SELECT -1, symbol, business_date, 'opening', 'uncrossed', traded_at, traded_at + INTERVAL '1' SECOND, price_won, 0, trade_id
FROM trades
WHERE trade_id = (SELECT max(trade_id) FROM trades)
