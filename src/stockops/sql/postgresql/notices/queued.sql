-- How many messages to customers wait for delivery, and since when, by the way they are to go.
-- Needs: SELECT on notifications.
SELECT
    n.channel,
    count(*) AS messages,
    extract(epoch FROM min(n.created_at))::bigint AS oldest_s
FROM notifications AS n
WHERE n.status = 'queued'
GROUP BY n.channel
ORDER BY n.channel
