-- Five roles with the least rights. People and services log in with accounts of their own that are granted one of these.
-- Roles belong to the whole server: another database on it may have made them already. Whoever applies this file needs
-- CREATE USER and, with the grant option, what it grants on *.*.
-- The rights of stockops_monitor show that the server works, never a row of the business.

CREATE ROLE IF NOT EXISTS stockops_owner;
CREATE ROLE IF NOT EXISTS stockops_app;
CREATE ROLE IF NOT EXISTS stockops_read;
CREATE ROLE IF NOT EXISTS stockops_monitor;
CREATE ROLE IF NOT EXISTS stockops_backup;

GRANT PROCESS, BINLOG MONITOR, REPLICA MONITOR ON *.* TO stockops_monitor;
GRANT SELECT ON performance_schema.* TO stockops_monitor;
-- What mariadb-dump and mariadb-backup ask for: a consistent copy, the binary log's place, routines, triggers and events.
GRANT RELOAD, PROCESS, LOCK TABLES, BINLOG MONITOR, REPLICA MONITOR, SELECT, SHOW VIEW, TRIGGER, EVENT ON *.* TO stockops_backup;
