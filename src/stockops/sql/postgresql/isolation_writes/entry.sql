-- One leg of a journal.
INSERT INTO journal_entries (journal_id, leg, business_date, account_id, asset, amount, kind)
VALUES (%(journal_id)s, %(leg)s, %(on)s, %(account_id)s, %(asset)s, %(amount)s, %(kind)s)
