-- Draws a number for an action, which is also that of its audit row.
-- Needs: USAGE on event_ids.
SELECT nextval('event_ids') AS event_id
