-- requires: R__market.sql R__place_order.sql R__place_orders.sql R__cancel_order.sql R__predictions.sql R__conditions.sql R__rebalance.sql R__indicators.sql R__monitoring.sql
-- Who may do what in this database. The application reads and calls routines; it writes no table itself.
-- The routines run with the rights of whoever applied these files. Nobody but the owner gets CREATE TEMPORARY TABLES:
-- a temporary table hides a real one of the same name from the routines.

GRANT SELECT, INSERT, UPDATE, DELETE ON tick_sizes TO stockops_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON price_limits TO stockops_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON market_sessions TO stockops_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON market_holidays TO stockops_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON tax_rates TO stockops_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON fee_schedules TO stockops_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON users TO stockops_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON brokers TO stockops_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON accounts TO stockops_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON stocks TO stockops_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON stock_inventory TO stockops_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON stock_prices TO stockops_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON portfolios TO stockops_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON portfolio_targets TO stockops_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON models TO stockops_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON predictions TO stockops_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON conditions TO stockops_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON orders TO stockops_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON trades TO stockops_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON journal_entries TO stockops_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON positions TO stockops_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON house_balances TO stockops_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON notifications TO stockops_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON audit_log TO stockops_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON audit_seals TO stockops_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON seed_chunks TO stockops_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON rebalances TO stockops_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON rebalance_lines TO stockops_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON broker_tokens TO stockops_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON technical_indicators TO stockops_owner;
GRANT SELECT ON database_identity TO stockops_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON heartbeats TO stockops_owner;
GRANT SELECT ON audit_canonical TO stockops_owner;
GRANT SELECT, INSERT ON event_ids TO stockops_owner;
GRANT EXECUTE ON FUNCTION tick_won TO stockops_owner;
GRANT EXECUTE ON FUNCTION lower_limit_won TO stockops_owner;
GRANT EXECUTE ON FUNCTION upper_limit_won TO stockops_owner;
GRANT EXECUTE ON FUNCTION is_business_day TO stockops_owner;
GRANT EXECUTE ON FUNCTION business_day_after TO stockops_owner;
GRANT EXECUTE ON FUNCTION session_open TO stockops_owner;
GRANT EXECUTE ON FUNCTION price_on TO stockops_owner;
GRANT EXECUTE ON PROCEDURE place_order TO stockops_owner;
GRANT EXECUTE ON PROCEDURE place_order_out TO stockops_owner;
GRANT EXECUTE ON PROCEDURE place_orders TO stockops_owner;
GRANT EXECUTE ON PROCEDURE cancel_order TO stockops_owner;
GRANT EXECUTE ON PROCEDURE store_predictions TO stockops_owner;
GRANT EXECUTE ON PROCEDURE add_condition TO stockops_owner;
GRANT EXECUTE ON PROCEDURE cancel_condition TO stockops_owner;
GRANT EXECUTE ON PROCEDURE expire_conditions TO stockops_owner;
GRANT EXECUTE ON PROCEDURE execute_condition TO stockops_owner;
GRANT EXECUTE ON PROCEDURE start_rebalance TO stockops_owner;
GRANT EXECUTE ON PROCEDURE finish_rebalance TO stockops_owner;
GRANT EXECUTE ON PROCEDURE compute_indicators TO stockops_owner;

GRANT SELECT ON tick_sizes TO stockops_app;
GRANT SELECT ON price_limits TO stockops_app;
GRANT SELECT ON market_sessions TO stockops_app;
GRANT SELECT ON market_holidays TO stockops_app;
GRANT SELECT ON tax_rates TO stockops_app;
GRANT SELECT ON fee_schedules TO stockops_app;
GRANT SELECT ON users TO stockops_app;
GRANT SELECT ON brokers TO stockops_app;
GRANT SELECT ON accounts TO stockops_app;
GRANT SELECT ON stocks TO stockops_app;
GRANT SELECT ON stock_inventory TO stockops_app;
GRANT SELECT ON stock_prices TO stockops_app;
GRANT SELECT ON technical_indicators TO stockops_app;
GRANT SELECT, INSERT, UPDATE ON portfolios TO stockops_app;
GRANT SELECT, INSERT, UPDATE ON portfolio_targets TO stockops_app;
GRANT SELECT ON models TO stockops_app;
GRANT SELECT, INSERT, UPDATE ON predictions TO stockops_app;
GRANT SELECT, INSERT, UPDATE ON conditions TO stockops_app;
GRANT SELECT ON orders TO stockops_app;
GRANT SELECT ON trades TO stockops_app;
GRANT SELECT ON journal_entries TO stockops_app;
GRANT SELECT ON positions TO stockops_app;
GRANT SELECT, INSERT, UPDATE ON notifications TO stockops_app;
GRANT EXECUTE ON PROCEDURE place_order TO stockops_app;
GRANT EXECUTE ON PROCEDURE place_order_out TO stockops_app;
GRANT EXECUTE ON PROCEDURE place_orders TO stockops_app;
GRANT EXECUTE ON PROCEDURE cancel_order TO stockops_app;
GRANT EXECUTE ON PROCEDURE store_predictions TO stockops_app;
GRANT EXECUTE ON PROCEDURE add_condition TO stockops_app;
GRANT EXECUTE ON PROCEDURE cancel_condition TO stockops_app;
GRANT EXECUTE ON PROCEDURE expire_conditions TO stockops_app;
GRANT EXECUTE ON PROCEDURE execute_condition TO stockops_app;
GRANT SELECT ON rebalances TO stockops_app;
GRANT SELECT ON rebalance_lines TO stockops_app;
GRANT EXECUTE ON PROCEDURE start_rebalance TO stockops_app;
GRANT EXECUTE ON PROCEDURE finish_rebalance TO stockops_app;
GRANT EXECUTE ON FUNCTION tick_won TO stockops_app;
GRANT EXECUTE ON FUNCTION lower_limit_won TO stockops_app;
GRANT EXECUTE ON FUNCTION upper_limit_won TO stockops_app;
GRANT EXECUTE ON FUNCTION is_business_day TO stockops_app;
GRANT EXECUTE ON FUNCTION business_day_after TO stockops_app;
GRANT EXECUTE ON FUNCTION session_open TO stockops_app;
GRANT EXECUTE ON FUNCTION price_on TO stockops_app;

GRANT SELECT ON tick_sizes TO stockops_read;
GRANT SELECT ON price_limits TO stockops_read;
GRANT SELECT ON market_sessions TO stockops_read;
GRANT SELECT ON market_holidays TO stockops_read;
GRANT SELECT ON tax_rates TO stockops_read;
GRANT SELECT ON fee_schedules TO stockops_read;
GRANT SELECT ON users TO stockops_read;
GRANT SELECT ON brokers TO stockops_read;
GRANT SELECT ON accounts TO stockops_read;
GRANT SELECT ON stocks TO stockops_read;
GRANT SELECT ON stock_inventory TO stockops_read;
GRANT SELECT ON stock_prices TO stockops_read;
GRANT SELECT ON technical_indicators TO stockops_read;
GRANT SELECT ON portfolios TO stockops_read;
GRANT SELECT ON portfolio_targets TO stockops_read;
GRANT SELECT ON models TO stockops_read;
GRANT SELECT ON predictions TO stockops_read;
GRANT SELECT ON conditions TO stockops_read;
GRANT SELECT ON orders TO stockops_read;
GRANT SELECT ON trades TO stockops_read;
GRANT SELECT ON journal_entries TO stockops_read;
GRANT SELECT ON positions TO stockops_read;
GRANT SELECT ON house_balances TO stockops_read;
GRANT SELECT ON notifications TO stockops_read;
GRANT SELECT ON audit_log TO stockops_read;
GRANT SELECT ON audit_seals TO stockops_read;
GRANT SELECT ON audit_canonical TO stockops_read;
GRANT SELECT ON rebalances TO stockops_read;
GRANT SELECT ON rebalance_lines TO stockops_read;
GRANT EXECUTE ON FUNCTION tick_won TO stockops_read;
GRANT EXECUTE ON FUNCTION lower_limit_won TO stockops_read;
GRANT EXECUTE ON FUNCTION upper_limit_won TO stockops_read;
GRANT EXECUTE ON FUNCTION is_business_day TO stockops_read;
GRANT EXECUTE ON FUNCTION business_day_after TO stockops_read;
GRANT EXECUTE ON FUNCTION session_open TO stockops_read;
GRANT EXECUTE ON FUNCTION price_on TO stockops_read;

-- Lets the monitor into the database, where it sees the names and sizes of tables and no row of them.
GRANT SHOW VIEW ON * TO stockops_monitor;

-- Ciphertext: who reads the books has no use for it.
GRANT SELECT ON broker_tokens TO stockops_app;

GRANT SELECT, INSERT, UPDATE ON heartbeats TO stockops_backup;

-- What the monitor sees of the business: figures, and which migrations are applied. No row of a customer.
GRANT SELECT ON trading_now TO stockops_monitor;
GRANT SELECT ON database_identity TO stockops_monitor;
GRANT SELECT ON stockops_migrations TO stockops_monitor;
GRANT SELECT ON stockops_migration_steps TO stockops_monitor;
GRANT EXECUTE ON PROCEDURE trading_events TO stockops_monitor;
GRANT SELECT ON trading_now TO stockops_owner;
GRANT SELECT ON trading_now TO stockops_read;
-- How far the sequences are, which a monitor looks at before one ends.
GRANT SELECT ON event_ids TO stockops_monitor;
