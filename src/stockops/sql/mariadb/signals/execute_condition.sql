-- Place the order of a condition that is met, once for each prediction.
CALL execute_condition(%(condition_id)s, %(prediction_id)s, %(date)s, %(at)s)
