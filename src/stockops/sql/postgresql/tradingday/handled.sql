-- How far the rules of customers have come at two moments of a day: the last condition that was executed, the last portfolio whose
-- rebalancing was begun, and that one again while it is not finished.
-- Needs: SELECT on conditions, rebalances.
SELECT
    (SELECT max(c.condition_id) FROM conditions AS c WHERE c.executed_at = %(conditions_at)s::timestamptz) AS condition_id,
    (SELECT max(r.portfolio_id) FROM rebalances AS r WHERE r.started_at = %(rebalancing_at)s::timestamptz) AS portfolio_id,
    (SELECT max(r.open_portfolio_id) FROM rebalances AS r WHERE r.started_at = %(rebalancing_at)s::timestamptz) AS open_portfolio_id
