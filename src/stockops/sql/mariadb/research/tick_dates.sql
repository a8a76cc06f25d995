-- From which dates on sets of price steps hold. Needs: SELECT on tick_sizes.
SELECT DISTINCT t.valid_from AS valid_from
FROM tick_sizes AS t
ORDER BY t.valid_from
