-- Of positions that moved since a proof: how many there are, and how many state another sum than that of their entries.
SELECT 'holdings' AS name, %(moved_positions_count)s + 0 AS looked_at, %(unequal_positions_count)s + 0 AS suspects
