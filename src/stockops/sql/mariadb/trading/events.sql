-- What became of the orders, and what was traded, in the events after one number and through another; the number of the last one.
-- Needs: EXECUTE on trading_events, which stockops_monitor has.
CALL trading_events(%(after_id)s, %(through_id)s)
