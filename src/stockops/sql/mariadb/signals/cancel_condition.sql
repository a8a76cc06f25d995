-- Take a condition back; answers with what its status was.
CALL cancel_condition(%(condition_id)s, %(date)s, %(at)s)
