-- Orders that are open now, those of the proof found by the index of the book.
SELECT o.*
FROM stocks AS k
STRAIGHT_JOIN orders AS o ON o.symbol = k.symbol AND o.side IN ('buy', 'sell') AND o.resting_won >= 0
UNION
SELECT n.* FROM new_orders AS n WHERE n.status = 'open'
