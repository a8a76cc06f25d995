-- Positions that moved since the proof, each with the sum of its entries.
SELECT k.account_id, k.symbol, k.amount
FROM JSON_TABLE(
    %(moved_position_sums)s, '$[*]' COLUMNS (account_id BIGINT PATH '$[0]', symbol VARCHAR(6) PATH '$[1]', amount BIGINT PATH '$[2]')
) AS k
