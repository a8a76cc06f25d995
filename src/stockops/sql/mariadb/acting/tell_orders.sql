-- Tells the owners of orders that expired with the day that an action ended.
INSERT INTO notifications (user_id, order_id, kind, channel, body, created_at)
SELECT a.user_id, o.order_id, 'corporate_action', 'push', concat('주문 ', o.order_id, ' 종료: ', %(what)s), %(at)s
FROM audit_log AS l
STRAIGHT_JOIN orders AS o ON o.order_id = CAST(l.entity_id AS SIGNED) AND o.symbol = %(symbol)s
STRAIGHT_JOIN accounts AS a ON a.account_id = o.account_id
WHERE l.audit_id > %(action_id)s AND l.action = 'expire' AND l.entity = 'order'
ORDER BY o.order_id
