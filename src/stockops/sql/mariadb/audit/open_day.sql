-- Ends the day of an issue and opens the given one.
CALL open_day(%(symbol)s, %(next_date)s, utc_timestamp(6))
