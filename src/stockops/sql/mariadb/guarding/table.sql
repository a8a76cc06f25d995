-- The token of the sandbox, the same as the one in its data directory; there is one.
CREATE TABLE IF NOT EXISTS stockops_guard.token (id integer PRIMARY KEY, token VARCHAR(64) NOT NULL)
