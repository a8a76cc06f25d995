-- What stockops_monitor was granted, one GRANT a row; error 1141 where there is no such role.
-- Needs SELECT on the database mysql: information_schema leaves out what roles may do everywhere.
SHOW GRANTS FOR stockops_monitor
