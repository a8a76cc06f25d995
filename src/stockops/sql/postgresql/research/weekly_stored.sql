-- The reports of a week that are stored. Needs: SELECT on weekly_reports.
SELECT
    w.user_id AS user_id,
    w.through_date AS through_date,
    w.body::text AS body
FROM weekly_reports AS w
WHERE w.iso_week = %(iso_week)s::text AND (%(user_id)s::bigint IS NULL OR w.user_id = %(user_id)s::bigint)
ORDER BY w.user_id
