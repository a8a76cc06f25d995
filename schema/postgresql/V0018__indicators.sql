-- What the daily prices say of themselves, by issue and day; compute_indicators fills it from stock_prices.
-- Exact numbers cut off at their last digit: the same on both engines, computed day by day or all at once.

CREATE TABLE technical_indicators (
    symbol varchar(6) COLLATE "C" NOT NULL,
    price_date date NOT NULL,
    day_no integer NOT NULL,
    close_won bigint NOT NULL,
    sma_20 numeric(18, 3) NULL,
    sma_50 numeric(18, 3) NULL,
    sma_200 numeric(18, 3) NULL,
    bollinger_upper numeric(18, 5) NULL,
    bollinger_lower numeric(18, 5) NULL,
    rsi_14 numeric(9, 6) NULL,
    macd numeric(20, 8) NULL,
    macd_signal numeric(20, 8) NULL,
    macd_histogram numeric(20, 8) NULL,
    stochastic_k numeric(9, 6) NULL,
    stochastic_d numeric(9, 6) NULL,
    stochastic_slow_d numeric(9, 6) NULL,
    ema_12_e8 bigint NOT NULL,
    ema_26_e8 bigint NOT NULL,
    signal_e8 bigint NOT NULL,
    gain_e10 bigint NOT NULL,
    loss_e10 bigint NOT NULL,
    CONSTRAINT technical_indicators_pk PRIMARY KEY (symbol, price_date),
    CONSTRAINT technical_indicators_day_ck CHECK (day_no >= 1)
) PARTITION BY RANGE (price_date);
CREATE TABLE technical_indicators_before PARTITION OF technical_indicators FOR VALUES FROM (MINVALUE) TO ('2024-01-01');
CREATE TABLE technical_indicators_2024h1 PARTITION OF technical_indicators FOR VALUES FROM ('2024-01-01') TO ('2024-07-01');
CREATE TABLE technical_indicators_2024h2 PARTITION OF technical_indicators FOR VALUES FROM ('2024-07-01') TO ('2025-01-01');
CREATE TABLE technical_indicators_2025h1 PARTITION OF technical_indicators FOR VALUES FROM ('2025-01-01') TO ('2025-07-01');
CREATE TABLE technical_indicators_2025h2 PARTITION OF technical_indicators FOR VALUES FROM ('2025-07-01') TO ('2026-01-01');
CREATE TABLE technical_indicators_2026h1 PARTITION OF technical_indicators FOR VALUES FROM ('2026-01-01') TO ('2026-07-01');
CREATE TABLE technical_indicators_2026h2 PARTITION OF technical_indicators FOR VALUES FROM ('2026-07-01') TO ('2027-01-01');
CREATE TABLE technical_indicators_after PARTITION OF technical_indicators FOR VALUES FROM ('2027-01-01') TO (MAXVALUE);
COMMENT ON TABLE technical_indicators IS 'Technical indicators of an issue on a business date on which it was traded: derived from stock_prices, and computed anew at any time';
COMMENT ON COLUMN technical_indicators.symbol IS 'The issue';
COMMENT ON COLUMN technical_indicators.price_date IS 'Business date';
COMMENT ON COLUMN technical_indicators.day_no IS 'Number of the day in the history that it is computed from, from 1: it begins anew after a step that no price limit allows, such as a split';
COMMENT ON COLUMN technical_indicators.close_won IS 'Closing price that it was computed from';
COMMENT ON COLUMN technical_indicators.sma_20 IS 'Mean of the last 20 closes, in won; the middle of the Bollinger bands; NULL before day 20';
COMMENT ON COLUMN technical_indicators.sma_50 IS 'Mean of the last 50 closes, in won; NULL before day 50';
COMMENT ON COLUMN technical_indicators.sma_200 IS 'Mean of the last 200 closes, in won; NULL before day 200';
COMMENT ON COLUMN technical_indicators.bollinger_upper IS 'sma_20 and two standard deviations of those 20 closes, in won';
COMMENT ON COLUMN technical_indicators.bollinger_lower IS 'sma_20 less two standard deviations of those 20 closes, in won';
COMMENT ON COLUMN technical_indicators.rsi_14 IS 'Relative strength index by Wilder, 0 to 100; NULL before day 15, and where no close of the history differs';
COMMENT ON COLUMN technical_indicators.macd IS 'ema_12 less ema_26, in won; NULL before day 26';
COMMENT ON COLUMN technical_indicators.macd_signal IS 'Exponential mean of macd over 9 days, in won; NULL before day 34';
COMMENT ON COLUMN technical_indicators.macd_histogram IS 'macd less macd_signal, in won; NULL before day 34';
COMMENT ON COLUMN technical_indicators.stochastic_k IS 'Where the close lies between the lowest and the highest price of 14 days, 0 to 100; NULL before day 14, and where the two are one';
COMMENT ON COLUMN technical_indicators.stochastic_d IS 'Mean of the last three stochastic_k: the fast percent D, and the slow percent K';
COMMENT ON COLUMN technical_indicators.stochastic_slow_d IS 'Mean of the last three stochastic_d: the slow percent D';
COMMENT ON COLUMN technical_indicators.ema_12_e8 IS 'State: exponential mean of 12 closes in hundred-millionths of a won; before day 12 their sum';
COMMENT ON COLUMN technical_indicators.ema_26_e8 IS 'State: exponential mean of 26 closes in hundred-millionths of a won; before day 26 their sum';
COMMENT ON COLUMN technical_indicators.signal_e8 IS 'State: macd_signal in hundred-millionths of a won; before day 34 the sum of macd from day 26 on';
COMMENT ON COLUMN technical_indicators.gain_e10 IS 'State: Wilder''s mean gain of 14 days in units of 10^-10 won; before day 15 the sum of gains';
COMMENT ON COLUMN technical_indicators.loss_e10 IS 'State: Wilder''s mean loss of 14 days in units of 10^-10 won; before day 15 the sum of losses';
