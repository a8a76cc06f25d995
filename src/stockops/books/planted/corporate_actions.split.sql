-- An issue is said to be split, and nobody's shares were.
INSERT INTO corporate_actions (
    action_id, symbol, kind, effective_date, new_shares, old_shares, last_won, base_won, listed_before, listed_after, holders, paid_won,
    orders_cancelled, applied_at
)
SELECT -1, i.symbol, 'split', i.quote_date, 2, 1, 2 * i.base_won, i.base_won, k.listed_shares, 2 * k.listed_shares, 0, 0, 0, TIMESTAMP '2025-01-02 00:00:00'
FROM stock_inventory AS i
JOIN stocks AS k ON k.symbol = i.symbol
WHERE i.symbol = (SELECT min(s.symbol) FROM stocks AS s)
