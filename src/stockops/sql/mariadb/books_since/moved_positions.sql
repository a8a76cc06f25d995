-- The keys of positions that moved since the proof.
SELECT k.account_id, k.symbol
FROM JSON_TABLE(%(moved_positions)s, '$[*]' COLUMNS (account_id BIGINT PATH '$[0]', symbol VARCHAR(6) PATH '$[1]')) AS k
