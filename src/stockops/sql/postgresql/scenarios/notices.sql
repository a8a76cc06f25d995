-- What users were told of executions: the messages, by which channel, and whether they were delivered.
-- Needs: SELECT on notifications.
SELECT
    n.created_at AS created_at,
    n.notification_id AS notification_id,
    n.user_id AS user_id,
    n.kind AS kind,
    n.channel AS channel,
    n.status AS status,
    n.sent_at AS sent_at,
    n.order_id AS order_id,
    n.body AS body
FROM notifications AS n
WHERE
    n.kind IN ('order_executed', 'order_rejected', 'rebalance_executed')
    AND n.created_at > %(until)s::timestamptz - make_interval(days => %(days)s::integer) AND n.created_at <= %(until)s::timestamptz
    AND (%(user_id)s::bigint IS NULL OR n.user_id = %(user_id)s::bigint)
ORDER BY n.created_at DESC, n.notification_id DESC
LIMIT %(row_limit)s::bigint
