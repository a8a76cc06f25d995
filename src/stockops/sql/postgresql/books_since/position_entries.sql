-- What the entries of the positions that moved come to, each as one entry.
SELECT m.account_id, m.symbol AS asset, m.amount
FROM moved_positions AS m
