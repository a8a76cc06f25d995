-- A market that pgbench and sysbench can draw orders for without asking: 900 issues at 50,000 won with
-- the codes 000010, 000020, ...; 1,000 accounts 1001, 1002, ..., where account a holds 10,000 shares of
-- each issue whose number is a modulo 10. The opening books balance.
INSERT INTO users (user_id, full_name, email, phone, created_at)
SELECT 1000 + n, 'User ' || n, 'user' || n || '@example.com', '010-0000-0000', '2025-01-02 00:00:00+00' FROM generate_series(1, 1000) AS n;
INSERT INTO accounts (account_id, user_id, broker_id, account_no, opened_at, cash_won)
SELECT 1000 + n, 1000 + n, 1 + n % 3, 'A-' || n, '2025-01-02 00:00:00+00', 100000000000 FROM generate_series(1, 1000) AS n;
INSERT INTO stocks (symbol, isin, name, market, kind, listed_shares, origin)
SELECT lpad((n * 10)::text, 6, '0'), 'ZZ' || lpad(n::text, 9, '0') || '0', 'Issue ' || n, 'KOSPI', 'common', 100000000, 'synthetic'
FROM generate_series(1, 900) AS n;
INSERT INTO stock_prices (symbol, price_date, open_won, high_won, low_won, close_won, volume, value_won)
SELECT symbol, '2025-01-02', 50000, 50000, 50000, 50000, 10, 500000 FROM stocks;
INSERT INTO stock_inventory (symbol, available_shares, last_won, quote_date, base_won, lower_won, upper_won, settles_on, sell_tax_rate)
SELECT symbol, 99000000, 50000, '2025-01-02', 50000, 35000, 65000, '2025-01-06', 0.0015 FROM stocks;
INSERT INTO positions (account_id, symbol, quantity, cost_won)
SELECT 1000 + a, lpad((s * 10)::text, 6, '0'), 10000, 500000000
FROM generate_series(1, 1000) AS a JOIN generate_series(1, 900) AS s ON s % 10 = a % 10;
INSERT INTO journal_entries (journal_id, leg, business_date, account_id, asset, amount, kind)
SELECT n, 1, '2025-01-02'::date, 1000 + n, 'KRW', 100000000000, 'deposit' FROM generate_series(1, 1000) AS n
UNION ALL SELECT n, 2, '2025-01-02', 4, 'KRW', -100000000000, 'deposit' FROM generate_series(1, 1000) AS n
UNION ALL SELECT 1000 + s, 1, '2025-01-02', 5, lpad((s * 10)::text, 6, '0'), -100000000, 'open' FROM generate_series(1, 900) AS s
UNION ALL SELECT 1000 + s, 2, '2025-01-02', 1, lpad((s * 10)::text, 6, '0'), 99000000, 'open' FROM generate_series(1, 900) AS s
UNION ALL SELECT 1000 + s, 2 + a, '2025-01-02', 1000 + a, lpad((s * 10)::text, 6, '0'), 10000, 'open'
FROM generate_series(1, 1000) AS a JOIN generate_series(1, 900) AS s ON s % 10 = a % 10;
ALTER SEQUENCE event_ids RESTART WITH 1000000;
VACUUM ANALYZE;
CHECKPOINT
