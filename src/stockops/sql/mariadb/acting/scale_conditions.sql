-- The prices and quantities of rules that wait, by the ratio of a split; one that comes to no share waits no longer.
UPDATE conditions SET
    status = CASE WHEN quantity * %(new)s < %(old)s THEN 'paused' ELSE status END,
    rule = JSON_REPLACE(
        rule,
        '$.quantity', greatest(1, quantity * %(new)s DIV %(old)s),
        '$.price_band.from_won', greatest(1, (from_won * %(old)s + %(new)s DIV 2) DIV %(new)s),
        '$.price_band.to_won', greatest(1, (to_won * %(old)s + %(new)s DIV 2) DIV %(new)s)
    )
WHERE symbol = %(symbol)s AND status IN ('active', 'paused')
