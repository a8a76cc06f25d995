-- For how long the password of each login is valid, in seconds; no row where it does not expire.
-- A role that comes in without a password (peer, certificates) is let in after that, too.
SELECT
    r.rolname::text AS login,
    extract(EPOCH FROM greatest(r.rolvaliduntil, timestamptz 'epoch') - now())::float8 AS left_s
FROM pg_roles AS r
WHERE r.rolcanlogin AND r.rolvaliduntil < 'infinity'
ORDER BY r.rolname
