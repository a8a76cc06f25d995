-- The largest numbers in sight: whatever was drawn before one of them belongs to a transaction that had begun by now.
SELECT
    greatest(
        (SELECT coalesce(max(order_id), 0) FROM orders), (SELECT coalesce(max(trade_id), 0) FROM trades),
        (SELECT coalesce(max(journal_id), 0) FROM journal_entries), (SELECT coalesce(max(audit_id), 0) FROM audit_log)
    ) AS event_id,
    (SELECT coalesce(max(condition_id), 0) FROM conditions) AS condition_id,
    (SELECT coalesce(max(prediction_id), 0) FROM predictions) AS prediction_id,
    (SELECT coalesce(max(notification_id), 0) FROM notifications) AS notification_id
