-- A won that no trade brought is settled.
INSERT INTO settlements (settles_on, account_id, amount_won, entries)
SELECT max(t.settles_on), 1, 1, 1
FROM trades AS t
