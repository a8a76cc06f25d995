-- The database this session is in.
SELECT current_database() AS name
