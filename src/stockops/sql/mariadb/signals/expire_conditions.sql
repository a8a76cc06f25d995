-- End the conditions whose time is over; answers with how many.
CALL expire_conditions(%(date)s, %(at)s)
