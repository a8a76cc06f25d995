-- Issues whose auction has ended at the instant and was not uncrossed yet, by symbol.
-- Needs: SELECT on stock_inventory, auctions.
SELECT i.symbol AS symbol
FROM stock_inventory AS i
JOIN auctions AS a ON a.auction_id = i.auction_id
WHERE a.ends_at <= coalesce(%(at)s, utc_timestamp(6))
ORDER BY i.symbol
