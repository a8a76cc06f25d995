-- The prices and quantities of rules that wait, by the ratio of a split; one that comes to no share waits no longer.
UPDATE conditions SET
    status = CASE WHEN quantity * %(new)s < %(old)s THEN 'paused' ELSE status END,
    rule = rule
        || CASE WHEN quantity IS NULL THEN '{}' ELSE jsonb_build_object('quantity', greatest(1, quantity * %(new)s / %(old)s)) END
        || CASE
            WHEN coalesce(from_won, to_won) IS NULL THEN '{}'
            ELSE jsonb_build_object(
                'price_band',
                (rule -> 'price_band')
                || CASE WHEN from_won IS NULL THEN '{}' ELSE jsonb_build_object('from_won', greatest(1, (from_won * %(old)s + %(new)s / 2) / %(new)s)) END
                || CASE WHEN to_won IS NULL THEN '{}' ELSE jsonb_build_object('to_won', greatest(1, (to_won * %(old)s + %(new)s / 2) / %(new)s)) END
            )
        END
WHERE symbol = %(symbol)s AND status IN ('active', 'paused')
