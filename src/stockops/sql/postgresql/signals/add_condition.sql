-- Make a condition; answers with its number, or with the reason why not.
SELECT a.condition_id, a.reason
FROM add_condition(%(account_id)s, %(symbol)s, %(rule)s::jsonb, %(expires_at)s::timestamptz, %(date)s::date, %(at)s::timestamptz) AS a
