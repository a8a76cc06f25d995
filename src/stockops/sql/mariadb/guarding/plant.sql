-- Give this server its token, in the place of the one it has: that of the server it is a copy of.
REPLACE INTO stockops_guard.token (id, token) VALUES (1, %(token)s)
