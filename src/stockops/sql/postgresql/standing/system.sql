-- Which cluster this is, through every restart and upgrade.
SELECT 'pg-' || c.system_identifier AS system
FROM pg_control_system() AS c
