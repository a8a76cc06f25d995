-- What a price before a split has to be multiplied by.
INSERT INTO price_factors (symbol, before_date, new_shares, old_shares)
VALUES (%(symbol)s, %(on)s, %(new)s, %(old)s)
