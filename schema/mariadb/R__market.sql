-- Questions about the market's rules, answered from the dated tables.
-- Instants are UTC; the market's clock is nine hours ahead of it, all year round.

CREATE OR REPLACE FUNCTION tick_won(
    p_market VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, p_date DATE, p_price_won BIGINT
)
RETURNS BIGINT READS SQL DATA
COMMENT 'Price step at a price, in won; NULL where no tick table is in force'
RETURN (
    SELECT t.tick_won
    FROM tick_sizes AS t
    WHERE
        t.market = p_market
        AND t.valid_from = (SELECT max(f.valid_from) FROM tick_sizes AS f WHERE f.market = p_market AND f.valid_from <= p_date)
        AND t.price_from_won <= p_price_won
    ORDER BY t.price_from_won DESC
    LIMIT 1
);

CREATE OR REPLACE FUNCTION lower_limit_won(
    p_market VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, p_date DATE, p_base_won BIGINT
)
RETURNS BIGINT READS SQL DATA
COMMENT 'Lowest price of the day for a base price: the limit cut to the tick of the base, then moved up to a valid tick'
BEGIN
    DECLARE v_tick BIGINT DEFAULT tick_won(p_market, p_date, p_base_won);
    DECLARE v_price BIGINT;
    SELECT p_base_won - p_base_won * l.limit_bp DIV 10000 DIV v_tick * v_tick INTO v_price
    FROM price_limits AS l WHERE l.market = p_market AND l.valid_from <= p_date
    ORDER BY l.valid_from DESC LIMIT 1;
    SET v_tick = tick_won(p_market, p_date, v_price);
    RETURN (v_price + v_tick - 1) DIV v_tick * v_tick;
END;

CREATE OR REPLACE FUNCTION upper_limit_won(
    p_market VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, p_date DATE, p_base_won BIGINT
)
RETURNS BIGINT READS SQL DATA
COMMENT 'Highest price of the day for a base price: the limit cut to the tick of the base, then moved down to a valid tick'
BEGIN
    DECLARE v_tick BIGINT DEFAULT tick_won(p_market, p_date, p_base_won);
    DECLARE v_price BIGINT;
    SELECT p_base_won + p_base_won * l.limit_bp DIV 10000 DIV v_tick * v_tick INTO v_price
    FROM price_limits AS l WHERE l.market = p_market AND l.valid_from <= p_date
    ORDER BY l.valid_from DESC LIMIT 1;
    SET v_tick = tick_won(p_market, p_date, v_price);
    RETURN v_price DIV v_tick * v_tick;
END;

CREATE OR REPLACE FUNCTION is_business_day(
    p_market VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, p_date DATE
)
RETURNS BOOLEAN READS SQL DATA
COMMENT 'True where the market opens on the date'
RETURN weekday(p_date) < 5
    AND NOT EXISTS (SELECT 1 FROM market_holidays AS h WHERE h.market = p_market AND h.holiday = p_date);

CREATE OR REPLACE FUNCTION business_day_after(
    p_market VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, p_date DATE, p_days INT
)
RETURNS DATE READS SQL DATA
COMMENT 'The date that many business days later: two of them make the settlement date'
BEGIN
    DECLARE v_date DATE DEFAULT p_date;
    DECLARE v_left INT DEFAULT p_days;
    WHILE v_left > 0 DO
        SET v_date = v_date + INTERVAL 1 DAY;
        IF is_business_day(p_market, v_date) THEN
            SET v_left = v_left - 1;
        END IF;
    END WHILE;
    RETURN v_date;
END;

CREATE OR REPLACE FUNCTION session_open(
    p_market VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, p_date DATE, p_at DATETIME(6)
)
RETURNS BOOLEAN READS SQL DATA
COMMENT 'True where a continuous session of the market is open on the business date at the instant'
RETURN weekday(p_date) < 5
    AND date(p_at + INTERVAL 9 HOUR) = p_date
    AND NOT EXISTS (SELECT 1 FROM market_holidays AS h WHERE h.market = p_market AND h.holiday = p_date)
    AND EXISTS (
        SELECT 1
        FROM market_sessions AS s
        WHERE
            s.market = p_market
            AND s.matching = 'continuous'
            AND s.valid_from = (
                SELECT max(n.valid_from)
                FROM market_sessions AS n
                WHERE
                    n.market = s.market AND n.session = s.session AND n.valid_from <= p_date
                    AND (n.valid_to IS NULL OR n.valid_to >= p_date)
            )
            AND time(p_at + INTERVAL 9 HOUR) >= s.opens_at
            AND time(p_at + INTERVAL 9 HOUR) < s.closes_at
    );

-- Every issue keeps the hours and the price steps of its day; an edit of the calendar makes all of them ask market_sessions again,
-- one of the steps tick_sizes. All rows are
-- locked: an order that opens a day right now either ends first, or reads what is changed here.
CREATE OR REPLACE TRIGGER market_sessions_forget_insert AFTER INSERT ON market_sessions FOR EACH ROW
    UPDATE stock_inventory SET opens_at = NULL, closes_at = NULL;
CREATE OR REPLACE TRIGGER market_sessions_forget_update AFTER UPDATE ON market_sessions FOR EACH ROW
    UPDATE stock_inventory SET opens_at = NULL, closes_at = NULL;
CREATE OR REPLACE TRIGGER market_sessions_forget_delete AFTER DELETE ON market_sessions FOR EACH ROW
    UPDATE stock_inventory SET opens_at = NULL, closes_at = NULL;
CREATE OR REPLACE TRIGGER market_holidays_forget_insert AFTER INSERT ON market_holidays FOR EACH ROW
    UPDATE stock_inventory SET opens_at = NULL, closes_at = NULL;
CREATE OR REPLACE TRIGGER market_holidays_forget_update AFTER UPDATE ON market_holidays FOR EACH ROW
    UPDATE stock_inventory SET opens_at = NULL, closes_at = NULL;
CREATE OR REPLACE TRIGGER market_holidays_forget_delete AFTER DELETE ON market_holidays FOR EACH ROW
    UPDATE stock_inventory SET opens_at = NULL, closes_at = NULL;
CREATE OR REPLACE TRIGGER tick_sizes_forget_insert AFTER INSERT ON tick_sizes FOR EACH ROW
    UPDATE stock_inventory SET tick_won = NULL, high_tick_from_won = NULL, high_tick_won = NULL;
CREATE OR REPLACE TRIGGER tick_sizes_forget_update AFTER UPDATE ON tick_sizes FOR EACH ROW
    UPDATE stock_inventory SET tick_won = NULL, high_tick_from_won = NULL, high_tick_won = NULL;
CREATE OR REPLACE TRIGGER tick_sizes_forget_delete AFTER DELETE ON tick_sizes FOR EACH ROW
    UPDATE stock_inventory SET tick_won = NULL, high_tick_from_won = NULL, high_tick_won = NULL;
