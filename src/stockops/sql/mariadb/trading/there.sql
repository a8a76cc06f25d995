-- Whether this database gives the figures of the business: V0011 of the migrations is applied, and the role may see them.
SELECT count(*) > 0 AS is_there
FROM information_schema.tables AS v
WHERE v.table_schema = DATABASE() AND v.table_name = 'trading_now'
