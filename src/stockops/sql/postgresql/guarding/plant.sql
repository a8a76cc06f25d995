-- Give this server its token, in the place of the one it has: that of the server it is a copy of.
INSERT INTO stockops_guard.token (id, token) VALUES (1, %(token)s) ON CONFLICT (id) DO UPDATE SET token = excluded.token
