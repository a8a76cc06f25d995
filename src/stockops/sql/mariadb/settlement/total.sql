-- What the settlements of a date add up to: 0, or its trades are not balanced.
SELECT cast(coalesce(sum(s.amount_won), 0) AS decimal(30, 0)) AS total_won
FROM settlements AS s
WHERE s.settles_on = %(day)s
