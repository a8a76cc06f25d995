-- Of each issue, its last trade, and the last one before the business date that it is at; 0 for none.
SELECT
    i.symbol, coalesce(max(t.trade_id), 0) AS last_trade_id,
    coalesce(max(CASE WHEN t.business_date < i.quote_date THEN t.trade_id END), 0) AS prior_trade_id
FROM stock_inventory AS i
LEFT JOIN trades AS t ON t.symbol = i.symbol
GROUP BY i.symbol
