-- How long keys may be: a value takes up to 1 GB.
SELECT 1073000000 AS characters
