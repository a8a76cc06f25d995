-- The reports of a week that are stored. Needs: SELECT on weekly_reports.
SELECT
    w.user_id AS user_id,
    w.through_date AS through_date,
    w.body AS body
FROM weekly_reports AS w
WHERE w.iso_week = %(iso_week)s AND (%(user_id)s IS NULL OR w.user_id = %(user_id)s)
ORDER BY w.user_id
