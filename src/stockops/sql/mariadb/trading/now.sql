-- What rests, waits and is overdue in the business right now.
-- Needs: SELECT on trading_now, which stockops_monitor has.
SELECT
    t.open_orders, t.oldest_open_at, t.oldest_open_days, t.queued_notices, t.oldest_queued_at, t.overdue_conditions, t.oldest_overdue_at,
    t.unsettled_since, t.overdue_settlement_days
FROM trading_now AS t
