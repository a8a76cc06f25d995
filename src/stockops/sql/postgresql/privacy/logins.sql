-- Roles that have a password, quoted.
-- Needs: superuser, as in a lab of one's own.
SELECT
    quote_ident(rolname) AS name
FROM pg_catalog.pg_authid
WHERE rolpassword IS NOT NULL AND rolname <> session_user
ORDER BY rolname
