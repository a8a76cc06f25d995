-- End the conditions whose time is over; answers with how many.
SELECT expire_conditions(%(date)s::date, %(at)s::timestamptz) AS ended
