-- What became of the orders, and what was traded, in the events after one number and through another; the number of the last one.
-- Needs: EXECUTE on trading_events, which stockops_monitor has.
SELECT e.last_event, e.placed, e.rejected, e.cancelled, e.trades, e.traded_won
FROM trading_events(%(after_id)s, %(through_id)s) AS e
