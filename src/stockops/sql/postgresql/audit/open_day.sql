-- Ends the day of an issue and opens the given one.
SELECT open_day(%(symbol)s, %(next_date)s::date, clock_timestamp())
