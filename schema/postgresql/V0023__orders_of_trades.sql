-- no-transaction
-- The indexes of trades by order hold the orders alone: the house, which most trades are with, has none.

-- Made beside the old ones, and without a lock that a trade would wait for; what a run that was cut short left is made anew.
DROP INDEX CONCURRENTLY IF EXISTS trades_buy_partial_ix;
CREATE INDEX CONCURRENTLY trades_buy_partial_ix ON trades (buy_order_id) WHERE buy_order_id IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS trades_buy_ix;
ALTER INDEX trades_buy_partial_ix RENAME TO trades_buy_ix;
DROP INDEX CONCURRENTLY IF EXISTS trades_sell_partial_ix;
CREATE INDEX CONCURRENTLY trades_sell_partial_ix ON trades (sell_order_id) WHERE sell_order_id IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS trades_sell_ix;
ALTER INDEX trades_sell_partial_ix RENAME TO trades_sell_ix;
