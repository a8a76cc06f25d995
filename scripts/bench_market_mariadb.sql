-- A market that pgbench and sysbench can draw orders for without asking: 900 issues at 50,000 won with
-- the codes 000010, 000020, ...; 1,000 accounts 1001, 1002, ..., where account a holds 10,000 shares of
-- each issue whose number is a modulo 10. The opening books balance.
INSERT INTO users (user_id, full_name, email, phone, created_at)
SELECT 1000 + seq, CONCAT('User ', seq), CONCAT('user', seq, '@example.com'), '010-0000-0000', '2025-01-02 00:00:00' FROM seq_1_to_1000;
INSERT INTO accounts (account_id, user_id, broker_id, account_no, opened_at, cash_won)
SELECT 1000 + seq, 1000 + seq, 1 + seq % 3, CONCAT('A-', seq), '2025-01-02 00:00:00', 100000000000 FROM seq_1_to_1000;
INSERT INTO stocks (symbol, isin, name, market, kind, listed_shares, origin)
SELECT LPAD(seq * 10, 6, '0'), CONCAT('ZZ', LPAD(seq, 9, '0'), '0'), CONCAT('Issue ', seq), 'KOSPI', 'common', 100000000, 'synthetic'
FROM seq_1_to_900;
INSERT INTO stock_prices (symbol, price_date, open_won, high_won, low_won, close_won, volume, value_won)
SELECT symbol, '2025-01-02', 50000, 50000, 50000, 50000, 10, 500000 FROM stocks;
INSERT INTO stock_inventory (symbol, available_shares, last_won, quote_date, base_won, lower_won, upper_won, settles_on, sell_tax_rate)
SELECT symbol, 99000000, 50000, '2025-01-02', 50000, 35000, 65000, '2025-01-06', 0.0015 FROM stocks;
INSERT INTO positions (account_id, symbol, quantity, cost_won)
SELECT 1000 + a.seq, LPAD(s.seq * 10, 6, '0'), 10000, 500000000 FROM seq_1_to_1000 AS a JOIN seq_1_to_900 AS s ON s.seq % 10 = a.seq % 10;
INSERT INTO journal_entries (journal_id, leg, business_date, account_id, asset, amount, kind)
SELECT seq, 1, '2025-01-02', 1000 + seq, 'KRW', 100000000000, 'deposit' FROM seq_1_to_1000
UNION ALL SELECT seq, 2, '2025-01-02', 4, 'KRW', -100000000000, 'deposit' FROM seq_1_to_1000
UNION ALL SELECT 1000 + seq, 1, '2025-01-02', 5, LPAD(seq * 10, 6, '0'), -100000000, 'open' FROM seq_1_to_900
UNION ALL SELECT 1000 + seq, 2, '2025-01-02', 1, LPAD(seq * 10, 6, '0'), 99000000, 'open' FROM seq_1_to_900
UNION ALL SELECT 1000 + s.seq, 2 + a.seq, '2025-01-02', 1000 + a.seq, LPAD(s.seq * 10, 6, '0'), 10000, 'open'
FROM seq_1_to_1000 AS a JOIN seq_1_to_900 AS s ON s.seq % 10 = a.seq % 10;
ALTER SEQUENCE event_ids RESTART 1000000;
ANALYZE TABLE users, accounts, stocks, stock_prices, stock_inventory, positions, journal_entries
