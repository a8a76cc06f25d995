-- One row for each thing looked at: value (NULL is UNKNOWN), and if you like subject, allowed and detail.
SELECT
    '005930' AS subject,
    current_date - max(p.price_date) AS value
FROM stock_prices AS p
WHERE p.symbol = '005930'
