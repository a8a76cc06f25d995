-- The logical content of a page of notifications, by notification_id: the same text on both engines.
-- Needs: SELECT on notifications.
SELECT
    group_concat(concat_ws(
        '|', t.notification_id, t.user_id, coalesce(t.order_id, '-'), t.kind, t.channel, t.body, t.status,
            left(t.created_at, 19), coalesce(left(t.sent_at, 19), '-')
    ) ORDER BY t.notification_id SEPARATOR '\n') AS block,
    count(*) AS line_count
FROM notifications AS t
WHERE t.notification_id BETWEEN %(first)s AND %(last)s
