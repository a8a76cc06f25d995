-- Issues whose auction has ended at the instant and was not uncrossed yet, by symbol.
-- Needs: SELECT on stock_inventory, auctions.
SELECT i.symbol AS symbol
FROM stock_inventory AS i
JOIN auctions AS a ON a.auction_id = i.auction_id
WHERE a.ends_at <= coalesce(%(at)s::timestamptz, clock_timestamp())
ORDER BY i.symbol
