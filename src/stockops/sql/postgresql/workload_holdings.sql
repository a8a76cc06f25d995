-- Which shares customers could sell; the first 50,000 holdings.
-- Needs: SELECT on positions, accounts, stocks.
SELECT
    p.account_id AS account_id,
    p.symbol AS symbol,
    p.quantity - p.reserved_quantity AS available_quantity
FROM positions AS p
JOIN accounts AS a ON a.account_id = p.account_id
JOIN stocks AS s ON s.symbol = p.symbol
WHERE a.kind = 'customer' AND a.status = 'active' AND s.status = 'listed' AND p.quantity > p.reserved_quantity
ORDER BY p.account_id, p.symbol
LIMIT 50000
