-- Take back the report of a user's week, before another text of it. Needs: DELETE on weekly_reports.
DELETE FROM weekly_reports WHERE user_id = %(user_id)s AND iso_week = %(iso_week)s
