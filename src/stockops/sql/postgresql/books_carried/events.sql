-- Open orders, and what is in the snapshot though it is above the high-water marks.
SELECT 'open' AS kind, order_id AS event_id FROM orders WHERE status = 'open'
UNION
SELECT 'seen', order_id FROM orders WHERE order_id > %(event_id)s
UNION
SELECT 'seen', trade_id FROM trades WHERE trade_id > %(event_id)s
UNION
SELECT 'seen', journal_id FROM journal_entries WHERE journal_id > %(event_id)s
UNION
SELECT 'seen', audit_id FROM audit_log WHERE audit_id > %(event_id)s
UNION
SELECT 'seen', uncrossed_event_id FROM auctions WHERE uncrossed_event_id > %(event_id)s
UNION
SELECT 'condition', condition_id FROM conditions WHERE condition_id > %(condition_id)s
UNION
SELECT 'prediction', prediction_id FROM predictions WHERE prediction_id > %(prediction_id)s
UNION
SELECT 'notice', notification_id FROM notifications WHERE notification_id > %(notification_id)s
