-- Take back a pattern that prices do not show any more. Needs: DELETE on patterns.
DELETE FROM patterns WHERE symbol = %(symbol)s AND price_date = %(price_date)s AND kind = %(kind)s
