-- How many rows are new, or looked at again: what was looked at, in many statements.
WITH counted AS (
    SELECT
        (SELECT count(*) FROM new_orders) AS new_orders_count, (SELECT count(*) FROM old_orders) AS old_orders_count,
        (SELECT count(*) FROM new_trades) AS new_trades_count, (SELECT count(*) FROM new_journal_entries) AS new_journal_entries_count,
        (SELECT count(*) FROM new_audit_log) AS new_audit_log_count
)
SELECT
    c.new_orders_count, c.new_trades_count, c.new_journal_entries_count, c.new_audit_log_count,
    c.new_orders_count AS keyed_orders_count, c.new_orders_count + c.old_orders_count AS recent_orders_count,
    c.new_orders_count + c.old_orders_count AS touched_orders_count
FROM counted AS c
