-- Moves the event ids past those of the seed; setval never goes back, and AUTO_INCREMENT has moved by itself.
SELECT setval(event_ids, %(next_event_id)s, 0) AS events
