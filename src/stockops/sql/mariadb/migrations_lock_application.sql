-- What the session that holds the migration lock calls itself.
-- Needs SELECT on performance_schema.session_connect_attrs.
SELECT a.attr_value AS application
FROM performance_schema.session_connect_attrs AS a
WHERE a.processlist_id = %(session_id)s AND a.attr_name = 'program_name'
ORDER BY a.attr_value
