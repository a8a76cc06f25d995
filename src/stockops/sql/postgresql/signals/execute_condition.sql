-- Place the order of a condition that is met, once for each prediction.
SELECT e.status, e.reason, e.order_id, e.filled_quantity, e.filled_value_won
FROM execute_condition(%(condition_id)s, %(prediction_id)s::bigint, %(date)s::date, %(at)s::timestamptz) AS e
