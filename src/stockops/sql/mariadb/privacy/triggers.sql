-- Triggers of a table.
-- Needs: TRIGGER on it.
SELECT
    trigger_name AS name
FROM information_schema.triggers
WHERE event_object_schema = database() AND event_object_table = %(name)s
ORDER BY trigger_name
