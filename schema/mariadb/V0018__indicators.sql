-- What the daily prices say of themselves, by issue and day; compute_indicators fills it from stock_prices.
-- Exact numbers cut off at their last digit: the same on both engines, computed day by day or all at once.

CREATE TABLE technical_indicators (
    symbol VARCHAR(6) NOT NULL COMMENT 'The issue',
    price_date DATE NOT NULL COMMENT 'Business date',
    day_no INT NOT NULL COMMENT 'Number of the day in the history that it is computed from, from 1: it begins anew after a step that no price limit allows, such as a split',
    close_won BIGINT NOT NULL COMMENT 'Closing price that it was computed from',
    sma_20 DECIMAL(18, 3) NULL COMMENT 'Mean of the last 20 closes, in won; the middle of the Bollinger bands; NULL before day 20',
    sma_50 DECIMAL(18, 3) NULL COMMENT 'Mean of the last 50 closes, in won; NULL before day 50',
    sma_200 DECIMAL(18, 3) NULL COMMENT 'Mean of the last 200 closes, in won; NULL before day 200',
    bollinger_upper DECIMAL(18, 5) NULL COMMENT 'sma_20 and two standard deviations of those 20 closes, in won',
    bollinger_lower DECIMAL(18, 5) NULL COMMENT 'sma_20 less two standard deviations of those 20 closes, in won',
    rsi_14 DECIMAL(9, 6) NULL COMMENT 'Relative strength index by Wilder, 0 to 100; NULL before day 15, and where no close of the history differs',
    macd DECIMAL(20, 8) NULL COMMENT 'ema_12 less ema_26, in won; NULL before day 26',
    macd_signal DECIMAL(20, 8) NULL COMMENT 'Exponential mean of macd over 9 days, in won; NULL before day 34',
    macd_histogram DECIMAL(20, 8) NULL COMMENT 'macd less macd_signal, in won; NULL before day 34',
    stochastic_k DECIMAL(9, 6) NULL COMMENT 'Where the close lies between the lowest and the highest price of 14 days, 0 to 100; NULL before day 14, and where the two are one',
    stochastic_d DECIMAL(9, 6) NULL COMMENT 'Mean of the last three stochastic_k: the fast percent D, and the slow percent K',
    stochastic_slow_d DECIMAL(9, 6) NULL COMMENT 'Mean of the last three stochastic_d: the slow percent D',
    ema_12_e8 BIGINT NOT NULL COMMENT 'State: exponential mean of 12 closes in hundred-millionths of a won; before day 12 their sum',
    ema_26_e8 BIGINT NOT NULL COMMENT 'State: exponential mean of 26 closes in hundred-millionths of a won; before day 26 their sum',
    signal_e8 BIGINT NOT NULL COMMENT 'State: macd_signal in hundred-millionths of a won; before day 34 the sum of macd from day 26 on',
    gain_e10 BIGINT NOT NULL COMMENT 'State: Wilder''s mean gain of 14 days in units of 10^-10 won; before day 15 the sum of gains',
    loss_e10 BIGINT NOT NULL COMMENT 'State: Wilder''s mean loss of 14 days in units of 10^-10 won; before day 15 the sum of losses',
    CONSTRAINT technical_indicators_pk PRIMARY KEY (symbol, price_date),
    CONSTRAINT technical_indicators_day_ck CHECK (day_no >= 1)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'Technical indicators of an issue on a business date on which it was traded: derived from stock_prices, and computed anew at any time'
PARTITION BY RANGE COLUMNS (price_date) (
    PARTITION p_before VALUES LESS THAN ('2024-01-01'),
    PARTITION p_2024h1 VALUES LESS THAN ('2024-07-01'),
    PARTITION p_2024h2 VALUES LESS THAN ('2025-01-01'),
    PARTITION p_2025h1 VALUES LESS THAN ('2025-07-01'),
    PARTITION p_2025h2 VALUES LESS THAN ('2026-01-01'),
    PARTITION p_2026h1 VALUES LESS THAN ('2026-07-01'),
    PARTITION p_2026h2 VALUES LESS THAN ('2027-01-01'),
    PARTITION p_after VALUES LESS THAN (MAXVALUE)
);
