-- The database this session is in.
SELECT database() AS name
