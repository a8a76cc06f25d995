-- Tells the owners of rules of an issue that is delisted.
INSERT INTO notifications (user_id, kind, channel, body, created_at)
SELECT c.user_id, 'corporate_action', 'push', concat('조건 ', c.condition_id, ' 종료: ', %(what)s::text), %(at)s::timestamptz
FROM conditions AS c
WHERE c.symbol = %(symbol)s AND c.status IN ('active', 'paused')
ORDER BY c.condition_id
