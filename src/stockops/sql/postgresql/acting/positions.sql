-- Brings the positions to what the lines of an action say.
UPDATE positions AS p SET quantity = l.quantity_after, cost_won = l.cost_after
FROM corporate_action_lines AS l
WHERE l.action_id = %(action_id)s AND p.account_id = l.account_id AND p.symbol = %(symbol)s
