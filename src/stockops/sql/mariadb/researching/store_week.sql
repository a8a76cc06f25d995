-- Store the report of a user's week. Needs: INSERT on weekly_reports.
INSERT INTO weekly_reports (user_id, iso_week, first_date, through_date, body)
VALUES (%(user_id)s, %(iso_week)s, %(first_date)s, %(through_date)s, %(body)s)
