-- Orders that are open now, those of the proof found by the index of the book.
SELECT o.*
FROM orders AS o
WHERE o.symbol = ANY (ARRAY(SELECT k.symbol FROM stocks AS k)) AND o.side IN ('buy', 'sell') AND o.resting_won >= 0
UNION
SELECT n.* FROM new_orders AS n WHERE n.status = 'open'
