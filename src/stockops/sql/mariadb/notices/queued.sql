-- How many messages to customers wait for delivery, and since when, by the way they are to go.
-- Needs: SELECT on notifications.
SELECT
    n.channel,
    count(*) AS messages,
    timestampdiff(SECOND, '1970-01-01', min(n.created_at)) AS oldest_s
FROM notifications AS n
WHERE n.status = 'queued'
GROUP BY n.channel
ORDER BY n.channel
