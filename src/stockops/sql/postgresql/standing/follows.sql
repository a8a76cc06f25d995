-- Whom this server is set to follow, empty for nobody, and whether it takes writes all the same. Needs pg_read_all_settings.
SELECT
    coalesce(substring(current_setting('primary_conninfo') FROM 'host=''?([^'' ]+)'), '') AS primary_address,
    NOT pg_is_in_recovery() AS takes_writes
