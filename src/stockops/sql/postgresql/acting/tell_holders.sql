-- Tells the holders what an action made of their shares.
INSERT INTO notifications (user_id, kind, channel, body, created_at)
SELECT a.user_id, 'corporate_action', 'push',
    concat(%(what)s::text, ': ', l.quantity_before, '주가 ', l.quantity_after, '주로', CASE WHEN l.paid_won > 0 THEN concat(', ', l.paid_won, '원 지급') END),
    %(at)s::timestamptz
FROM corporate_action_lines AS l
JOIN accounts AS a ON a.account_id = l.account_id AND a.kind = 'customer'
WHERE l.action_id = %(action_id)s
ORDER BY l.account_id
