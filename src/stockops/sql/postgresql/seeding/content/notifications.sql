-- The logical content of a page of notifications, by notification_id: the same text on both engines.
-- Needs: SELECT on notifications.
SELECT
    string_agg(concat_ws(
        '|', t.notification_id, t.user_id, coalesce(t.order_id::text, '-'), t.kind, t.channel, t.body, t.status,
            to_char(t.created_at, 'YYYY-MM-DD HH24:MI:SS'),
            coalesce(to_char(t.sent_at, 'YYYY-MM-DD HH24:MI:SS'), '-')
    ), E'\n' ORDER BY t.notification_id) AS block,
    count(*) AS line_count
FROM notifications AS t
WHERE t.notification_id BETWEEN %(first)s AND %(last)s
