-- Which warnings about predictions went out in the last hours, to whom, by which channel, and what became of them.
-- Needs: SELECT on notifications.
SELECT
    n.created_at AS created_at,
    n.notification_id AS notification_id,
    n.user_id AS user_id,
    n.channel AS channel,
    n.status AS status,
    n.sent_at AS sent_at,
    n.body AS body
FROM notifications AS n
WHERE
    n.kind = 'ai_warning'
    AND coalesce(n.sent_at, n.created_at) > %(until)s::timestamptz - make_interval(hours => %(hours)s::integer) AND coalesce(n.sent_at, n.created_at) <= %(until)s::timestamptz
    AND (%(user_id)s::bigint IS NULL OR n.user_id = %(user_id)s::bigint)
ORDER BY n.created_at DESC, n.notification_id DESC
LIMIT %(row_limit)s::bigint
