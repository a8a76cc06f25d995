-- Moves the counters past the ids of the seed; a counter never goes back.
SELECT
    setval('event_ids', greatest(%(next_event_id)s::bigint, (SELECT e.last_value + 1 FROM event_ids AS e)), false) AS events,
    setval(pg_get_serial_sequence('portfolios', 'portfolio_id'), (SELECT coalesce(max(p.portfolio_id), 0) + 1 FROM portfolios AS p), false) AS portfolios,
    setval(pg_get_serial_sequence('predictions', 'prediction_id'), (SELECT coalesce(max(p.prediction_id), 0) + 1 FROM predictions AS p), false) AS predictions,
    setval(pg_get_serial_sequence('conditions', 'condition_id'), (SELECT coalesce(max(c.condition_id), 0) + 1 FROM conditions AS c), false) AS conditions,
    setval(pg_get_serial_sequence('notifications', 'notification_id'), (SELECT coalesce(max(n.notification_id), 0) + 1 FROM notifications AS n), false) AS notifications
