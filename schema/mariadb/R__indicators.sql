-- Technical indicators, computed from the daily prices of a range of issues; a day without a trade is no day of theirs.
-- Every number is a whole one in small units, divided with the rest cut off, so that no rounding depends on the server, on the
-- engine, or on whether a day is computed alone or with ten years before it.

-- The windows are read once into a table of the session. What depends on the day before is led from day to day, all issues of
-- the range at a time, by a recursive query.
CREATE OR REPLACE PROCEDURE compute_indicators(
    IN p_first_symbol VARCHAR(6) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
    IN p_last_symbol VARCHAR(6) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
    IN p_from DATE
)
COMMENT 'Computes the indicators of the days after the last ones stored, of the issues from one symbol to another; from a date on anew where one is given'
BEGIN
    DECLARE v_computed BIGINT;
    DECLARE v_wanted BIGINT;
    DECLARE v_begins_on DATE;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    START TRANSACTION;
    IF p_from IS NOT NULL THEN
        DELETE FROM technical_indicators
        WHERE symbol BETWEEN p_first_symbol AND p_last_symbol AND price_date >= p_from;
    END IF;

    CREATE OR REPLACE TEMPORARY TABLE indicator_starts (
        symbol VARCHAR(6) NOT NULL,
        last_date DATE NULL,
        earlier_date DATE NULL,
        begins_on DATE NULL,
        limit_bp INT NULL,
        PRIMARY KEY (symbol)
    ) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin;
    INSERT INTO indicator_starts (symbol, last_date, limit_bp)
    SELECT
        s.symbol,
        -- Not max(): over partitions, that one reads every row of the issue.
        (SELECT t.price_date FROM technical_indicators AS t WHERE t.symbol = s.symbol ORDER BY t.price_date DESC LIMIT 1),
        (SELECT max(n.limit_bp) FROM price_limits AS n WHERE n.market = s.market)
    FROM stocks AS s
    WHERE s.symbol BETWEEN p_first_symbol AND p_last_symbol;
    UPDATE indicator_starts AS s
    SET
        s.earlier_date = (
            SELECT t.price_date FROM technical_indicators AS t
            WHERE t.symbol = s.symbol AND t.price_date < s.last_date
            ORDER BY t.price_date DESC LIMIT 1
        ),
        s.begins_on = (
            SELECT p.price_date FROM stock_prices AS p
            WHERE p.symbol = s.symbol AND p.price_date <= s.last_date AND p.volume > 0
            ORDER BY p.price_date DESC LIMIT 1 OFFSET 198
        )
    WHERE s.last_date IS NOT NULL;
    -- One date for all: older partitions are not opened at all for a new day.
    SELECT if(count(s.begins_on) = count(*), min(s.begins_on), '1000-01-01') INTO v_begins_on FROM indicator_starts AS s;

    CREATE OR REPLACE TEMPORARY TABLE indicator_facts (
        symbol VARCHAR(6) NOT NULL,
        row_no INT NOT NULL,
        price_date DATE NOT NULL,
        close_won BIGINT NOT NULL,
        close_e8 BIGINT NOT NULL,
        gain_e10 BIGINT NOT NULL,
        loss_e10 BIGINT NOT NULL,
        is_first BOOLEAN NOT NULL,
        sum_20 BIGINT NOT NULL,
        deviation_e5 BIGINT NOT NULL,
        sum_50 BIGINT NOT NULL,
        sum_200 BIGINT NOT NULL,
        k_e6 BIGINT NOT NULL,
        PRIMARY KEY (symbol, row_no)
    ) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin;
    INSERT INTO indicator_facts (
        symbol, row_no, price_date, close_won, close_e8, gain_e10, loss_e10, is_first, sum_20, deviation_e5, sum_50, sum_200, k_e6
    )
    SELECT
        w.symbol, w.row_no, w.price_date, w.close_won, w.close_won * 100000000,
        greatest(coalesce(w.close_won - w.before_won, 0), 0) * 10000000000,
        greatest(coalesce(w.before_won - w.close_won, 0), 0) * 10000000000,
        coalesce(abs(w.close_won - w.before_won) * 10000 > w.limit_bp * w.before_won, w.row_no = 1),
        w.sum_20, floor(sqrt(20 * w.squares_20 - w.sum_20 * w.sum_20) * 10000), w.sum_50, w.sum_200,
        CASE
            WHEN w.highest_won > w.lowest_won THEN 100000000 * (w.close_won - w.lowest_won) DIV (w.highest_won - w.lowest_won)
            ELSE -1
        END
    FROM (
        SELECT
            p.symbol, p.price_date, p.close_won, s.limit_bp,
            row_number() OVER k AS row_no,
            lag(p.close_won) OVER k AS before_won,
            sum(p.close_won) OVER (k ROWS 19 PRECEDING) AS sum_20,
            sum(p.close_won * p.close_won) OVER (k ROWS 19 PRECEDING) AS squares_20,
            sum(p.close_won) OVER (k ROWS 49 PRECEDING) AS sum_50,
            sum(p.close_won) OVER (k ROWS 199 PRECEDING) AS sum_200,
            max(p.high_won) OVER (k ROWS 13 PRECEDING) AS highest_won,
            min(p.low_won) OVER (k ROWS 13 PRECEDING) AS lowest_won
        FROM indicator_starts AS s
        JOIN stock_prices AS p ON p.symbol = s.symbol AND (s.begins_on IS NULL OR p.price_date >= s.begins_on)
        WHERE p.volume > 0 AND p.price_date >= v_begins_on
        WINDOW k AS (PARTITION BY p.symbol ORDER BY p.price_date)
    ) AS w;

    -- The day before the first one of each issue: its stored state, or none.
    CREATE OR REPLACE TEMPORARY TABLE indicator_states (
        symbol VARCHAR(6) NOT NULL,
        row_no INT NOT NULL,
        day_no INT NOT NULL,
        ema_12_e8 BIGINT NOT NULL,
        ema_26_e8 BIGINT NOT NULL,
        signal_e8 BIGINT NOT NULL,
        gain_e10 BIGINT NOT NULL,
        loss_e10 BIGINT NOT NULL,
        k0_e6 BIGINT NOT NULL,
        k1_e6 BIGINT NOT NULL,
        d0_e6 BIGINT NOT NULL,
        d1_e6 BIGINT NOT NULL,
        d2_e6 BIGINT NOT NULL,
        PRIMARY KEY (symbol)
    ) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin;
    INSERT INTO indicator_states (
        symbol, row_no, day_no, ema_12_e8, ema_26_e8, signal_e8, gain_e10, loss_e10, k0_e6, k1_e6, d0_e6, d1_e6, d2_e6
    )
    SELECT
        s.symbol, coalesce(f.row_no, 0), coalesce(l.day_no, 0), coalesce(l.ema_12_e8, 0), coalesce(l.ema_26_e8, 0), coalesce(l.signal_e8, 0),
        coalesce(l.gain_e10, 0), coalesce(l.loss_e10, 0), coalesce(l.stochastic_k * 1000000, -1), coalesce(e.stochastic_k * 1000000, -1),
        coalesce(l.stochastic_d * 1000000, -1), coalesce(e.stochastic_d * 1000000, -1), -1
    FROM indicator_starts AS s
    LEFT JOIN technical_indicators AS l ON l.symbol = s.symbol AND l.price_date = s.last_date
    LEFT JOIN technical_indicators AS e ON e.symbol = s.symbol AND e.price_date = s.earlier_date AND l.day_no > 1
    LEFT JOIN indicator_facts AS f ON f.symbol = s.symbol AND f.price_date = s.last_date;

    SET STATEMENT max_recursive_iterations = 4294967295 FOR
    INSERT INTO technical_indicators (
        symbol, price_date, day_no, close_won, sma_20, sma_50, sma_200, bollinger_upper, bollinger_lower, rsi_14, macd, macd_signal,
        macd_histogram, stochastic_k, stochastic_d, stochastic_slow_d, ema_12_e8, ema_26_e8, signal_e8, gain_e10, loss_e10
    )
    WITH RECURSIVE walk AS (
        SELECT
            a.symbol, a.row_no, a.day_no, a.ema_12_e8, a.ema_26_e8, a.signal_e8, a.gain_e10, a.loss_e10,
            a.k0_e6, a.k1_e6, a.d0_e6, a.d1_e6, a.d2_e6, a.row_no AS begun_at
        FROM indicator_states AS a
        UNION ALL
        SELECT
            f.symbol, f.row_no,
            if(f.is_first, 1, w.day_no + 1),
            CASE
                WHEN f.is_first THEN f.close_e8
                WHEN w.day_no >= 12 THEN (2 * f.close_e8 + 11 * w.ema_12_e8) DIV 13
                ELSE (f.close_e8 + w.ema_12_e8) DIV if(w.day_no = 11, 12, 1)
            END,
            CASE
                WHEN f.is_first THEN f.close_e8
                WHEN w.day_no >= 26 THEN (2 * f.close_e8 + 25 * w.ema_26_e8) DIV 27
                ELSE (f.close_e8 + w.ema_26_e8) DIV if(w.day_no = 25, 26, 1)
            END,
            CASE
                WHEN f.is_first OR w.day_no < 25 THEN 0
                ELSE (
                    if(w.day_no >= 34, 2, 1) * (
                        (2 * f.close_e8 + 11 * w.ema_12_e8) DIV 13
                        - if(w.day_no = 25, (f.close_e8 + w.ema_26_e8) DIV 26, (2 * f.close_e8 + 25 * w.ema_26_e8) DIV 27)
                    )
                    + if(w.day_no >= 34, 8, 1) * w.signal_e8
                ) DIV CASE WHEN w.day_no >= 34 THEN 10 WHEN w.day_no = 33 THEN 9 ELSE 1 END
            END,
            CASE
                WHEN f.is_first THEN 0
                WHEN w.day_no >= 15 THEN (13 * w.gain_e10 + f.gain_e10) DIV 14
                ELSE (w.gain_e10 + f.gain_e10) DIV if(w.day_no = 14, 14, 1)
            END,
            CASE
                WHEN f.is_first THEN 0
                WHEN w.day_no >= 15 THEN (13 * w.loss_e10 + f.loss_e10) DIV 14
                ELSE (w.loss_e10 + f.loss_e10) DIV if(w.day_no = 14, 14, 1)
            END,
            if(f.is_first OR w.day_no < 13, -1, f.k_e6),
            if(f.is_first, -1, w.k0_e6),
            if(f.is_first OR w.day_no < 15 OR least(f.k_e6, w.k0_e6, w.k1_e6) < 0, -1, (f.k_e6 + w.k0_e6 + w.k1_e6) DIV 3),
            if(f.is_first, -1, w.d0_e6),
            if(f.is_first, -1, w.d1_e6),
            w.begun_at
        FROM walk AS w
        JOIN indicator_facts AS f ON f.symbol = w.symbol AND f.row_no = w.row_no + 1
    )
    SELECT
        n.symbol, f.price_date, n.day_no, f.close_won,
        if(n.day_no >= 20, f.sum_20 * 0.05, NULL),
        if(n.day_no >= 50, f.sum_50 * 0.02, NULL),
        if(n.day_no >= 200, f.sum_200 * 0.005, NULL),
        if(n.day_no >= 20, f.sum_20 * 0.05 + f.deviation_e5 * 0.00001, NULL),
        if(n.day_no >= 20, f.sum_20 * 0.05 - f.deviation_e5 * 0.00001, NULL),
        if(n.day_no >= 15 AND n.gain_e10 + n.loss_e10 > 0, CAST(100000000 AS DECIMAL(38)) * n.gain_e10 DIV (n.gain_e10 + n.loss_e10) * 0.000001, NULL),
        if(n.day_no >= 26, (n.ema_12_e8 - n.ema_26_e8) * 0.00000001, NULL),
        if(n.day_no >= 34, n.signal_e8 * 0.00000001, NULL),
        if(n.day_no >= 34, (n.ema_12_e8 - n.ema_26_e8 - n.signal_e8) * 0.00000001, NULL),
        if(n.k0_e6 >= 0, n.k0_e6 * 0.000001, NULL),
        if(n.d0_e6 >= 0, n.d0_e6 * 0.000001, NULL),
        if(least(n.d0_e6, n.d1_e6, n.d2_e6) >= 0, (n.d0_e6 + n.d1_e6 + n.d2_e6) DIV 3 * 0.000001, NULL),
        n.ema_12_e8, n.ema_26_e8, n.signal_e8, n.gain_e10, n.loss_e10
    FROM walk AS n
    JOIN indicator_facts AS f ON f.symbol = n.symbol AND f.row_no = n.row_no
    WHERE n.row_no > n.begun_at;
    SET v_computed = row_count();
    -- A recursion that is cut short is only a warning of this server.
    SELECT count(*) INTO v_wanted FROM indicator_facts AS f JOIN indicator_states AS a ON a.symbol = f.symbol AND f.row_no > a.row_no;
    IF v_computed <> v_wanted THEN
        SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'fewer indicators were computed than there are prices';
    END IF;
    COMMIT;
    DROP TEMPORARY TABLE indicator_starts;
    DROP TEMPORARY TABLE indicator_facts;
    DROP TEMPORARY TABLE indicator_states;
    SELECT v_computed AS computed;
END;
