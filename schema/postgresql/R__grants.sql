-- requires: R__market.sql R__auctions.sql R__place_order.sql R__place_orders.sql R__cancel_order.sql R__predictions.sql R__conditions.sql R__rebalance.sql R__indicators.sql R__monitoring.sql
-- Who may do what. The application reads and calls routines; it writes no table itself.

-- What came with an extension keeps the rights that it came with: whoever monitors reads pg_stat_statements, from which an
-- earlier text of this file took them.
DO $$
DECLARE
    v_routine regprocedure;
    v_extension text;
BEGIN
    FOR v_routine, v_extension IN
        SELECT p.oid::regprocedure, e.extname
        FROM pg_proc AS p
        LEFT JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
        LEFT JOIN pg_extension AS e ON e.oid = d.refobjid
        WHERE p.pronamespace = 'public'::regnamespace
            AND (
                d.objid IS NULL
                OR (p.proname IN ('pg_stat_statements', 'pg_stat_statements_info') AND pg_has_role(p.proowner, 'USAGE'))
            )
    LOOP
        IF v_extension IS NULL THEN
            EXECUTE format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', v_routine);
        ELSIF v_extension = 'pg_stat_statements' THEN
            EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO stockops_monitor', v_routine);
        END IF;
    END LOOP;
END
$$;
GRANT USAGE ON SCHEMA public TO stockops_owner, stockops_app, stockops_read, stockops_monitor, stockops_backup;

GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON
    tick_sizes, price_limits, market_sessions, market_holidays, tax_rates, fee_schedules,
    users, brokers, accounts, stocks, stock_inventory, stock_prices, portfolios, portfolio_targets,
    models, predictions, conditions, orders, trades, journal_entries, positions, house_balances,
    notifications, audit_log, audit_seals, seed_chunks, heartbeats,
    rebalances, rebalance_lines, broker_tokens, technical_indicators, auctions, interruption_limits,
    settlement_days, settlements, corporate_actions, corporate_action_lines, price_factors,
    books_proofs, books_proof_sums, books_proof_issues, books_proof_events,
    simulations, simulation_trades, simulation_days, patterns, ai_recommendations, weekly_reports
TO stockops_owner;
GRANT SELECT ON database_identity TO stockops_owner;
GRANT SELECT ON audit_canonical, adjusted_prices TO stockops_owner;
-- A seed sets the numbers of what it has loaded.
GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA public TO stockops_owner;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO stockops_owner;

GRANT SELECT ON
    tick_sizes, price_limits, market_sessions, market_holidays, tax_rates, fee_schedules,
    users, brokers, accounts, stocks, stock_inventory, stock_prices, portfolios, portfolio_targets,
    models, predictions, conditions, orders, trades, journal_entries, positions, notifications
TO stockops_app;
GRANT INSERT, UPDATE ON portfolios, portfolio_targets, predictions, conditions, notifications TO stockops_app;
GRANT EXECUTE ON FUNCTION place_order(text, bigint, text, text, text, bigint, bigint, date, timestamptz, bigint, bigint, bigint) TO stockops_app;
GRANT EXECUTE ON FUNCTION place_orders(jsonb, date, timestamptz) TO stockops_app;
GRANT EXECUTE ON FUNCTION cancel_order(bigint, date, timestamptz, bigint, text) TO stockops_app;
GRANT EXECUTE ON FUNCTION store_predictions(jsonb, date, timestamptz) TO stockops_app;
GRANT EXECUTE ON FUNCTION add_condition(bigint, text, jsonb, timestamptz, date, timestamptz) TO stockops_app;
GRANT EXECUTE ON FUNCTION cancel_condition(bigint, date, timestamptz) TO stockops_app;
GRANT EXECUTE ON FUNCTION expire_conditions(date, timestamptz) TO stockops_app;
GRANT EXECUTE ON FUNCTION execute_condition(bigint, bigint, date, timestamptz) TO stockops_app;
GRANT SELECT ON rebalances, rebalance_lines, technical_indicators TO stockops_app, stockops_read;
GRANT SELECT ON settlement_days, settlements, corporate_actions, corporate_action_lines, price_factors, adjusted_prices TO stockops_app, stockops_read;
GRANT SELECT ON auctions, interruption_limits TO stockops_app, stockops_read;
GRANT SELECT ON simulations, simulation_trades, simulation_days, patterns, ai_recommendations, weekly_reports TO stockops_app, stockops_read;
GRANT EXECUTE ON FUNCTION start_rebalance(bigint, bigint, bigint, jsonb, date, timestamptz) TO stockops_app;
GRANT EXECUTE ON FUNCTION finish_rebalance(bigint, date, timestamptz) TO stockops_app;

GRANT SELECT ON
    tick_sizes, price_limits, market_sessions, market_holidays, tax_rates, fee_schedules,
    users, brokers, accounts, stocks, stock_inventory, stock_prices, portfolios, portfolio_targets,
    models, predictions, conditions, orders, trades, journal_entries, positions, house_balances,
    notifications, audit_log, audit_seals, audit_canonical,
    books_proofs, books_proof_sums, books_proof_issues, books_proof_events
TO stockops_read;
GRANT EXECUTE ON FUNCTION
    tick_won(text, date, bigint), lower_limit_won(text, date, bigint), upper_limit_won(text, date, bigint),
    is_business_day(text, date), business_day_after(text, date, integer), session_open(text, date, timestamptz),
    price_on(text, date)
TO stockops_app, stockops_read;

-- Ciphertext: who reads the books has no use for it.
GRANT SELECT ON broker_tokens TO stockops_app;

GRANT INSERT, UPDATE ON heartbeats TO stockops_backup;
-- How far the log is archived is for those who watch; on MariaDB this role has PROCESS and BINLOG MONITOR.
GRANT pg_monitor TO stockops_backup;

-- What the monitor sees of the business: figures, and which migrations are applied. No row of a customer.
GRANT SELECT ON trading_now, database_identity, stockops_migrations, stockops_migration_steps TO stockops_monitor;
GRANT EXECUTE ON FUNCTION trading_events(bigint, bigint) TO stockops_monitor;
GRANT EXECUTE ON FUNCTION unsettled_since() TO stockops_monitor, stockops_read;
GRANT SELECT ON trading_now TO stockops_owner, stockops_read;
-- How far the sequences are, which a monitor looks at before one ends.
GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO stockops_monitor;
