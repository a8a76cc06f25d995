-- What a split makes of each customer's shares: whole shares by the ratio, what is left over paid by the base price, with its part of the cost.
INSERT INTO corporate_action_lines (action_id, account_id, journal_id, quantity_before, quantity_after, cost_before, cost_after, paid_won)
SELECT
    %(action_id)s, h.account_id, NEXTVAL(event_ids), h.quantity, h.quantity * %(new)s DIV %(old)s, h.cost_won,
    h.cost_won - CAST(h.cost_won AS DECIMAL(38, 0)) * (h.quantity * %(new)s %% %(old)s) DIV (h.quantity * %(new)s),
    (h.quantity * %(new)s %% %(old)s) * %(base_won)s DIV %(old)s
FROM (
    SELECT p.account_id, p.quantity, p.cost_won FROM positions AS p WHERE p.symbol = %(symbol)s AND p.quantity > 0 ORDER BY p.account_id
) AS h
