-- The rules in force, as rows to edit. Sources: KOSPI Market Business Regulation and its Enforcement Rules (2026-04-28),
-- the exchange's calendar, and the transaction tax rates by settlement date.

INSERT INTO tick_sizes (market, valid_from, price_from_won, tick_won) VALUES
('KOSPI', '2023-01-25', 0, 1),
('KOSPI', '2023-01-25', 2000, 5),
('KOSPI', '2023-01-25', 5000, 10),
('KOSPI', '2023-01-25', 20000, 50),
('KOSPI', '2023-01-25', 50000, 100),
('KOSPI', '2023-01-25', 200000, 500),
('KOSPI', '2023-01-25', 500000, 1000);
INSERT INTO tick_sizes (market, valid_from, price_from_won, tick_won)
SELECT 'KOSDAQ', k.valid_from, k.price_from_won, k.tick_won FROM tick_sizes AS k WHERE k.market = 'KOSPI';
INSERT INTO tick_sizes (market, valid_from, price_from_won, tick_won)
SELECT 'KONEX', k.valid_from, k.price_from_won, k.tick_won FROM tick_sizes AS k WHERE k.market = 'KOSPI';

INSERT INTO price_limits (market, valid_from, limit_bp) VALUES
('KOSPI', '2015-06-15', 3000),
('KOSDAQ', '2015-06-15', 3000),
('KONEX', '2015-06-15', 1500);

INSERT INTO market_sessions (market, session, valid_from, valid_to, opens_at, closes_at, matching) VALUES
('KOSPI', 'opening_auction', '2016-08-01', NULL, '08:30:00', '09:00:00', 'auction'),
('KOSPI', 'regular', '2016-08-01', NULL, '09:00:00', '15:20:00', 'continuous'),
('KOSPI', 'closing_auction', '2016-08-01', NULL, '15:20:00', '15:30:00', 'auction'),
('KOSPI', 'after_close', '2016-08-01', NULL, '15:40:00', '16:00:00', 'closing_price'),
('KOSPI', 'regular', '2024-01-02', '2024-01-02', '10:00:00', '15:20:00', 'continuous'),
('KOSPI', 'regular', '2025-01-02', '2025-01-02', '10:00:00', '15:20:00', 'continuous'),
('KOSPI', 'regular', '2025-11-13', '2025-11-13', '10:00:00', '16:20:00', 'continuous'),
('KOSPI', 'closing_auction', '2025-11-13', '2025-11-13', '16:20:00', '16:30:00', 'auction'),
('KOSPI', 'regular', '2026-01-02', '2026-01-02', '10:00:00', '15:20:00', 'continuous');
INSERT INTO market_sessions (market, session, valid_from, valid_to, opens_at, closes_at, matching)
SELECT 'KOSDAQ', k.session, k.valid_from, k.valid_to, k.opens_at, k.closes_at, k.matching FROM market_sessions AS k WHERE k.market = 'KOSPI';
INSERT INTO market_sessions (market, session, valid_from, valid_to, opens_at, closes_at, matching)
SELECT 'KONEX', k.session, k.valid_from, k.valid_to, k.opens_at, k.closes_at, k.matching FROM market_sessions AS k WHERE k.market = 'KOSPI';

INSERT INTO market_holidays (market, holiday, name) VALUES
('KOSPI', '2023-01-23', 'Lunar New Year'),
('KOSPI', '2023-01-24', 'Lunar New Year, substitute'),
('KOSPI', '2023-03-01', 'Independence Movement Day'),
('KOSPI', '2023-05-01', 'Labour Day'),
('KOSPI', '2023-05-05', 'Children''s Day'),
('KOSPI', '2023-05-29', 'Buddha''s Birthday, substitute'),
('KOSPI', '2023-06-06', 'Memorial Day'),
('KOSPI', '2023-08-15', 'Liberation Day'),
('KOSPI', '2023-09-28', 'Chuseok'),
('KOSPI', '2023-09-29', 'Chuseok'),
('KOSPI', '2023-10-02', 'Special holiday'),
('KOSPI', '2023-10-03', 'National Foundation Day'),
('KOSPI', '2023-10-09', 'Hangul Day'),
('KOSPI', '2023-12-25', 'Christmas Day'),
('KOSPI', '2023-12-29', 'Last weekday of the year'),
('KOSPI', '2024-01-01', 'New Year''s Day'),
('KOSPI', '2024-02-09', 'Lunar New Year'),
('KOSPI', '2024-02-12', 'Lunar New Year, substitute'),
('KOSPI', '2024-03-01', 'Independence Movement Day'),
('KOSPI', '2024-04-10', 'General election'),
('KOSPI', '2024-05-01', 'Labour Day'),
('KOSPI', '2024-05-06', 'Children''s Day, substitute'),
('KOSPI', '2024-05-15', 'Buddha''s Birthday'),
('KOSPI', '2024-06-06', 'Memorial Day'),
('KOSPI', '2024-08-15', 'Liberation Day'),
('KOSPI', '2024-09-16', 'Chuseok'),
('KOSPI', '2024-09-17', 'Chuseok'),
('KOSPI', '2024-09-18', 'Chuseok'),
('KOSPI', '2024-10-01', 'Armed Forces Day, special holiday'),
('KOSPI', '2024-10-03', 'National Foundation Day'),
('KOSPI', '2024-10-09', 'Hangul Day'),
('KOSPI', '2024-12-25', 'Christmas Day'),
('KOSPI', '2024-12-31', 'Last weekday of the year'),
('KOSPI', '2025-01-01', 'New Year''s Day'),
('KOSPI', '2025-01-27', 'Special holiday'),
('KOSPI', '2025-01-28', 'Lunar New Year'),
('KOSPI', '2025-01-29', 'Lunar New Year'),
('KOSPI', '2025-01-30', 'Lunar New Year'),
('KOSPI', '2025-03-03', 'Independence Movement Day, substitute'),
('KOSPI', '2025-05-01', 'Labour Day'),
('KOSPI', '2025-05-05', 'Children''s Day and Buddha''s Birthday'),
('KOSPI', '2025-05-06', 'Children''s Day, substitute'),
('KOSPI', '2025-06-03', 'Presidential election'),
('KOSPI', '2025-06-06', 'Memorial Day'),
('KOSPI', '2025-08-15', 'Liberation Day'),
('KOSPI', '2025-10-03', 'National Foundation Day'),
('KOSPI', '2025-10-06', 'Chuseok'),
('KOSPI', '2025-10-07', 'Chuseok'),
('KOSPI', '2025-10-08', 'Chuseok, substitute'),
('KOSPI', '2025-10-09', 'Hangul Day'),
('KOSPI', '2025-12-25', 'Christmas Day'),
('KOSPI', '2025-12-31', 'Last weekday of the year'),
('KOSPI', '2026-01-01', 'New Year''s Day'),
('KOSPI', '2026-02-16', 'Lunar New Year'),
('KOSPI', '2026-02-17', 'Lunar New Year'),
('KOSPI', '2026-02-18', 'Lunar New Year'),
('KOSPI', '2026-03-02', 'Independence Movement Day, substitute'),
('KOSPI', '2026-05-01', 'Labour Day'),
('KOSPI', '2026-05-05', 'Children''s Day'),
('KOSPI', '2026-05-25', 'Buddha''s Birthday, substitute'),
('KOSPI', '2026-06-03', 'Local elections'),
('KOSPI', '2026-07-17', 'Constitution Day'),
('KOSPI', '2026-08-17', 'Liberation Day, substitute'),
('KOSPI', '2026-09-24', 'Chuseok'),
('KOSPI', '2026-09-25', 'Chuseok'),
('KOSPI', '2026-10-05', 'National Foundation Day, substitute'),
('KOSPI', '2026-10-09', 'Hangul Day'),
('KOSPI', '2026-12-25', 'Christmas Day'),
('KOSPI', '2026-12-31', 'Last weekday of the year');
INSERT INTO market_holidays (market, holiday, name)
SELECT 'KOSDAQ', k.holiday, k.name FROM market_holidays AS k WHERE k.market = 'KOSPI';
INSERT INTO market_holidays (market, holiday, name)
SELECT 'KONEX', k.holiday, k.name FROM market_holidays AS k WHERE k.market = 'KOSPI';

INSERT INTO tax_rates (market, settles_from, sell_rate) VALUES
('KOSPI', '2019-06-03', 0.0025), ('KOSPI', '2021-01-01', 0.0023), ('KOSPI', '2023-01-01', 0.0020),
('KOSPI', '2024-01-01', 0.0018), ('KOSPI', '2025-01-01', 0.0015), ('KOSPI', '2026-01-01', 0.0020),
('KOSDAQ', '2019-06-03', 0.0025), ('KOSDAQ', '2021-01-01', 0.0023), ('KOSDAQ', '2023-01-01', 0.0020),
('KOSDAQ', '2024-01-01', 0.0018), ('KOSDAQ', '2025-01-01', 0.0015), ('KOSDAQ', '2026-01-01', 0.0020),
('KONEX', '2019-06-03', 0.0010);

INSERT INTO users (user_id, full_name, email, phone, created_at) VALUES
(0, 'The house', 'house@example.com', '010-0000-0000', '2015-06-15 00:00:00');
INSERT INTO brokers (broker_id, code, name) VALUES
(0, 'HOUSE', 'The house'),
(1, 'HANGANG', 'Hangang Securities'),
(2, 'NAMSAN', 'Namsan Investment'),
(3, 'SEORAK', 'Seorak Online');
INSERT INTO fee_schedules (broker_id, valid_from, commission_rate) VALUES
(0, '2015-06-15', 0),
(1, '2015-06-15', 0.00015),
(2, '2015-06-15', 0.00014),
(3, '2015-06-15', 0.000036396);
INSERT INTO accounts (account_id, user_id, broker_id, account_no, kind, tax_exempt, opened_at) VALUES
(1, 0, 0, 'HOUSE-1', 'house', true, '2015-06-15 00:00:00'),
(2, 0, 0, 'HOUSE-2', 'fees', true, '2015-06-15 00:00:00'),
(3, 0, 0, 'HOUSE-3', 'tax', true, '2015-06-15 00:00:00'),
(4, 0, 0, 'HOUSE-4', 'bank', true, '2015-06-15 00:00:00'),
(5, 0, 0, 'HOUSE-5', 'issuer', true, '2015-06-15 00:00:00');
