-- Tells the owners of resting orders that these end with the day, because of an action.
INSERT INTO notifications (user_id, order_id, kind, channel, body, created_at)
SELECT a.user_id, o.order_id, 'corporate_action', 'push', concat('주문 ', o.order_id, ' 종료: ', %(what)s), %(at)s
FROM orders AS o
JOIN accounts AS a ON a.account_id = o.account_id
WHERE o.symbol = %(symbol)s AND o.resting_won IS NOT NULL
ORDER BY o.order_id
