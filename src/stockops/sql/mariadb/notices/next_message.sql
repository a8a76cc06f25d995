-- The next message to a customer that waits for delivery by one way, locked for this transaction.
-- Another session that sends the one before it does not hold this one up.
-- Needs: SELECT and UPDATE on notifications, SELECT on users.
SELECT
    n.notification_id AS number,
    n.kind,
    n.body,
    (SELECT u.email FROM users AS u WHERE u.user_id = n.user_id) AS email,
    (SELECT u.phone FROM users AS u WHERE u.user_id = n.user_id) AS phone,
    timestampdiff(SECOND, '1970-01-01', n.created_at) AS queued_s
FROM notifications AS n
WHERE n.status = 'queued' AND n.channel = %(channel)s AND n.notification_id > %(after_id)s
ORDER BY n.notification_id
LIMIT 1
FOR UPDATE SKIP LOCKED
