-- Up to where this database may have given numbers to orders, and the largest there is.
-- Numbers are taken 1,000 at a time, and only that is in the log. Needs: SELECT on event_ids.
SELECT
    e.next_not_cached_value - 1 AS last_id,
    e.maximum_value AS last_possible_id
FROM event_ids AS e
