-- Uncrosses the auction of an issue, if it is over, and answers with what came of it.
SELECT auction_id, kind, price_won, volume FROM uncross(%(symbol)s, %(at)s::timestamptz)
