-- Positions that moved since the proof.
SELECT p.*
FROM moved_positions AS m
STRAIGHT_JOIN positions AS p ON p.account_id = m.account_id AND p.symbol = m.symbol
