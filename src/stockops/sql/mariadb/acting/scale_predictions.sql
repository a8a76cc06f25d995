-- The prices that valid predictions foresee, by the ratio of a split.
UPDATE predictions SET target_won = greatest(1, (target_won * %(old)s + %(new)s DIV 2) DIV %(new)s)
WHERE symbol = %(symbol)s AND status = 'valid' AND target_won IS NOT NULL
