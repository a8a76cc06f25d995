-- Pays customers what the lines of an action say; the house carries no cash in its row.
UPDATE corporate_action_lines AS l
STRAIGHT_JOIN accounts AS a ON a.account_id = l.account_id
SET a.cash_won = a.cash_won + l.paid_won
WHERE l.action_id = %(action_id)s AND a.kind = 'customer' AND l.paid_won > 0
