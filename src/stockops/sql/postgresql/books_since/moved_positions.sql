-- The keys of positions that moved since the proof.
SELECT k.account_id, k.symbol
FROM json_to_recordset(%(moved_positions)s::json) AS k (account_id bigint, symbol varchar(6))
