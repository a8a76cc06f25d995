-- Whether this database gives the figures of the business: V0011 of the migrations is applied.
SELECT to_regclass('trading_now') IS NOT NULL AS is_there
