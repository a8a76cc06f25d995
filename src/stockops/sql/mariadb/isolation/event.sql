-- The next number of the one clock that orders, trades and audit rows share.
-- Needs: USAGE on event_ids.
SELECT NEXTVAL(event_ids) AS event_id
