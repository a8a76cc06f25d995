-- Pays customers what the lines of an action say; the house carries no cash in its row.
UPDATE accounts AS a SET cash_won = a.cash_won + l.paid_won
FROM corporate_action_lines AS l
WHERE l.action_id = %(action_id)s AND a.account_id = l.account_id AND a.kind = 'customer' AND l.paid_won > 0
