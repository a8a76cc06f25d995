-- Take a condition back; answers with what its status was.
SELECT cancel_condition(%(condition_id)s, %(date)s::date, %(at)s::timestamptz) AS status
