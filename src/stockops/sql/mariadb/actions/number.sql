-- Draws a number for an action, which is also that of its audit row.
-- Needs: INSERT on event_ids.
SELECT NEXTVAL(event_ids) AS event_id
