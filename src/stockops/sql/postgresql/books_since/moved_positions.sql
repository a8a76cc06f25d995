-- Positions that moved since the proof, each with the sum of its entries.
SELECT k.account_id, k.symbol, k.amount
FROM json_to_recordset(%(moved_position_sums)s::json) AS k (account_id bigint, symbol varchar(6), amount bigint)
