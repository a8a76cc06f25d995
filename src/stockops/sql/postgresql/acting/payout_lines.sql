-- What a delisting pays each customer for all shares.
INSERT INTO corporate_action_lines (action_id, account_id, journal_id, quantity_before, quantity_after, cost_before, cost_after, paid_won)
SELECT %(action_id)s, h.account_id, nextval('event_ids'), h.quantity, 0, h.cost_won, 0, h.quantity * %(price_won)s
FROM (
    SELECT p.account_id, p.quantity, p.cost_won FROM positions AS p WHERE p.symbol = %(symbol)s AND p.quantity > 0 ORDER BY p.account_id
) AS h
