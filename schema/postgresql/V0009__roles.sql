-- Five roles with the least rights. People and services log in with roles of their own that are members of these.
-- Roles belong to the whole server: another database on it may have made them already.

DO $body$
DECLARE
    v_role text;
BEGIN
    FOREACH v_role IN ARRAY ARRAY['stockops_owner', 'stockops_app', 'stockops_read', 'stockops_monitor', 'stockops_backup'] LOOP
        IF NOT EXISTS (SELECT 1 FROM pg_roles AS r WHERE r.rolname = v_role) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', v_role);
        END IF;
    END LOOP;
END
$body$;
GRANT pg_monitor TO stockops_monitor;
GRANT pg_read_all_data TO stockops_backup;
