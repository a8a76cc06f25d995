-- A holding changes by an action that is not there.
INSERT INTO corporate_action_lines (action_id, account_id, journal_id, quantity_before, quantity_after, cost_before, cost_after, paid_won)
SELECT -1, min(p.account_id), -1, 1, 2, 0, 0, 0
FROM positions AS p
