-- Brings the positions to what the lines of an action say.
UPDATE positions AS p
JOIN corporate_action_lines AS l ON l.account_id = p.account_id
SET p.quantity = l.quantity_after, p.cost_won = l.cost_after
WHERE l.action_id = %(action_id)s AND p.symbol = %(symbol)s
