-- A position that the program had not found.
INSERT INTO positions (account_id, symbol, quantity, cost_won) VALUES (%(account_id)s, %(symbol)s, %(quantity)s, %(cost_won)s)
