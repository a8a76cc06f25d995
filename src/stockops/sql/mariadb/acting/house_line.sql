-- What an action makes of the house's shares.
INSERT INTO corporate_action_lines (action_id, account_id, journal_id, quantity_before, quantity_after, cost_before, cost_after, paid_won)
VALUES (%(action_id)s, 1, NEXTVAL(event_ids), %(before)s, %(after)s, 0, 0, %(paid_won)s)
