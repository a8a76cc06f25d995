-- The token of this server, which its data directory holds, too: an error where nobody planted one.
SELECT token FROM stockops_guard.token WHERE id = 1 ORDER BY id
