-- Uncrosses the auction of an issue, if it is over, and answers with what came of it.
CALL uncross(%(symbol)s, %(at)s)
