-- Make a condition; answers with its number, or with the reason why not.
CALL add_condition(%(account_id)s, %(symbol)s, %(rule)s, %(expires_at)s, %(date)s, %(at)s)
