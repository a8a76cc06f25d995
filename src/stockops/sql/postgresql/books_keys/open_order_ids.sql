-- Orders that are open now: of the book, found by its index, and of the new ones.
SELECT array_agg(k.order_id)::text AS open_order_ids
FROM (
    SELECT o.order_id
    FROM orders AS o
    WHERE o.symbol = ANY (ARRAY(SELECT s.symbol FROM stocks AS s)) AND o.side IN ('buy', 'sell') AND o.resting_won >= 0
    UNION
    SELECT n.order_id FROM orders AS n WHERE n.order_id > %(event_id)s AND n.status = 'open'
) AS k
