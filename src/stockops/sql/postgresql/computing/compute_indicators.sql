-- Compute the indicators of a range of issues, of what comes after those stored, or anew from a date on; answers with how many.
SELECT c.computed FROM compute_indicators(%(first)s, %(last)s, %(since)s::date) AS c
