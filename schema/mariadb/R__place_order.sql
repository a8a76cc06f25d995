-- requires: R__market.sql
-- One order, one transaction, one round trip.
--
-- Locks, always in this order: the rows of stock_inventory by symbol; the rows of accounts by account_id (the caller's and
-- those of every resting order that is met). Orders and positions are written only by who holds their symbol. The accounts
-- of the house are never locked: they get entries, and their sums are folded later.
--
-- Rejections are answers with a reason, never exceptions. Refused without a row, because there is nothing to hang it on:
-- unknown_account, unknown_symbol, bad_request, bad_quantity, key_reused. Refused with a row in orders:
-- account_inactive, delisted, halted, closed_session, off_tick, outside_price_limit, self_match, insufficient_cash,
-- insufficient_shares. Cancelled by the routine: no_liquidity (what is left of a market order), expired (on the next
-- business day).
--
-- Every statement has a fixed price here, about that of two rows: so what belongs together is read by one statement and
-- written by one. Reads that follow a lock are consistent reads at READ COMMITTED, which see the latest commit.
--
-- place_order and place_order_out open and end a transaction of their own, and are refused inside another one.
-- Times are UTC. Products of won and shares that may pass 2^63 are DECIMAL(38, 0).

CREATE OR REPLACE PROCEDURE open_day(
    IN p_symbol VARCHAR(6) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
    IN p_date DATE, IN p_at DATETIME(6)
)
COMMENT 'Ends an issue''s trading day and opens the next: day orders expire, the base price, the limits, the tax rate and the hours are set. Needs the symbol and the owners of its resting orders locked'
BEGIN
    DECLARE v_market VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
    DECLARE v_quote_date, v_close_date, v_settles_on DATE;
    DECLARE v_last_won, v_close_won, v_base_won, v_event BIGINT;
    DECLARE v_opens_at, v_closes_at TIME;
    SELECT k.market, i.quote_date, i.last_won INTO v_market, v_quote_date, v_last_won
    FROM stocks AS k JOIN stock_inventory AS i ON i.symbol = k.symbol WHERE k.symbol = p_symbol;
    FOR r IN (
        SELECT o.order_id, o.account_id, o.side, o.reserved_won, o.quantity - o.filled_quantity AS remaining, a.user_id
        FROM orders AS o JOIN accounts AS a ON a.account_id = o.account_id
        WHERE o.symbol = p_symbol AND o.side IN ('buy', 'sell') AND o.resting_won >= 1
        ORDER BY o.order_id
    ) DO
        SET v_event = NEXTVAL(event_ids);
        UPDATE orders SET status = 'cancelled', reason = 'expired', reserved_won = 0, closed_event_id = v_event
        WHERE order_id = r.order_id;
        IF r.side = 'buy' THEN
            UPDATE accounts SET reserved_won = reserved_won - r.reserved_won WHERE account_id = r.account_id;
        ELSE
            UPDATE positions SET reserved_quantity = reserved_quantity - r.remaining
            WHERE account_id = r.account_id AND symbol = p_symbol;
        END IF;
        INSERT INTO audit_log (audit_id, business_date, user_id, action, entity, entity_id, detail)
        VALUES (v_event, p_date, r.user_id, 'expire', 'order', r.order_id, concat_ws(' ', r.remaining, 'left of', p_symbol));
    END FOR;
    SELECT p.price_date, p.close_won INTO v_close_date, v_close_won
    FROM stock_prices AS p WHERE p.symbol = p_symbol AND p.price_date < p_date
    ORDER BY p.price_date DESC LIMIT 1;
    SET v_base_won = CASE WHEN v_close_date >= v_quote_date THEN v_close_won ELSE v_last_won END;
    SET v_settles_on = business_day_after(v_market, p_date, 2);
    SELECT CASE WHEN count(*) = 1 THEN min(s.opens_at) END, CASE WHEN count(*) = 1 THEN min(s.closes_at) END INTO v_opens_at, v_closes_at
    FROM market_sessions AS s
    WHERE
        s.market = v_market
        AND s.matching = 'continuous'
        AND s.valid_from = (
            SELECT max(n.valid_from)
            FROM market_sessions AS n
            WHERE
                n.market = s.market AND n.session = s.session AND n.valid_from <= p_date
                AND (n.valid_to IS NULL OR n.valid_to >= p_date)
        );
    UPDATE stock_inventory SET
        quote_date = p_date,
        base_won = v_base_won,
        last_won = v_base_won,
        lower_won = lower_limit_won(v_market, p_date, v_base_won),
        upper_won = upper_limit_won(v_market, p_date, v_base_won),
        settles_on = v_settles_on,
        sell_tax_rate = (
            SELECT t.sell_rate FROM tax_rates AS t
            WHERE t.market = v_market AND t.settles_from <= v_settles_on ORDER BY t.settles_from DESC LIMIT 1
        ),
        opens_at = v_opens_at,
        closes_at = v_closes_at
    WHERE symbol = p_symbol;
END;

CREATE OR REPLACE PROCEDURE replay_order(
    IN p_order_id BIGINT,
    IN p_symbol VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
    IN p_side VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
    IN p_kind VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
    IN p_limit_won BIGINT, IN p_quantity BIGINT,
    IN p_portfolio_id BIGINT, IN p_condition_id BIGINT, IN p_prediction_id BIGINT,
    OUT o_status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
    OUT o_reason VARCHAR(24) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
    OUT o_order_id BIGINT, OUT o_filled_quantity BIGINT,
    OUT o_filled_value_won BIGINT, OUT o_fee_won BIGINT, OUT o_tax_won BIGINT, OUT o_replayed BOOLEAN
)
COMMENT 'The answer for a key that is already there: the order as it stands now, or key_reused where the body differs'
BEGIN
    SET o_status = 'rejected', o_reason = 'key_reused', o_replayed = FALSE;
    SELECT
        o.status, o.reason, o.order_id, o.filled_quantity,
        coalesce(sum(t.value_won), 0),
        coalesce(sum(CASE WHEN o.side = 'buy' THEN t.buy_fee_won ELSE t.sell_fee_won END), 0),
        coalesce(sum(CASE WHEN o.side = 'sell' THEN t.sell_tax_won ELSE 0 END), 0),
        TRUE
    INTO o_status, o_reason, o_order_id, o_filled_quantity, o_filled_value_won, o_fee_won, o_tax_won, o_replayed
    FROM orders AS o
    LEFT JOIN trades AS t ON (o.side = 'buy' AND t.buy_order_id = o.order_id) OR (o.side = 'sell' AND t.sell_order_id = o.order_id)
    WHERE
        o.order_id = p_order_id AND o.symbol = p_symbol AND o.side = p_side AND o.kind = p_kind AND o.quantity = p_quantity
        AND o.limit_won <=> p_limit_won AND o.portfolio_id <=> p_portfolio_id AND o.condition_id <=> p_condition_id
        AND o.prediction_id <=> p_prediction_id
    GROUP BY o.order_id, o.status, o.reason, o.filled_quantity;
END;

CREATE OR REPLACE PROCEDURE execute_order(
    IN p_key VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
    IN p_account_id BIGINT,
    IN p_symbol VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
    IN p_side VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
    IN p_kind VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
    IN p_limit_won BIGINT, IN p_quantity BIGINT,
    IN p_business_date DATE, IN p_at DATETIME(6), IN p_portfolio_id BIGINT, IN p_condition_id BIGINT, IN p_prediction_id BIGINT, IN p_batch BOOLEAN,
    OUT o_status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
    OUT o_reason VARCHAR(24) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
    OUT o_order_id BIGINT, OUT o_filled_quantity BIGINT,
    OUT o_filled_value_won BIGINT, OUT o_fee_won BIGINT, OUT o_tax_won BIGINT, OUT o_replayed BOOLEAN
)
COMMENT 'The whole life of one order, in a transaction of its own; a batch has one already, holds the locks, and writes journal and audit by itself'
main: BEGIN
    -- Each variable costs an instruction when its block begins, a row of them one: what belongs together is declared as a row,
    -- and what only a meeting of orders needs is declared there.
    DECLARE v_at DATETIME(6) DEFAULT coalesce(p_at, utc_timestamp(6));
    DECLARE v_kst DATETIME(6) DEFAULT v_at + INTERVAL 9 HOUR;
    DECLARE v_date DATE DEFAULT coalesce(p_business_date, date(v_kst));
    DECLARE v_buys BOOLEAN DEFAULT p_side = 'buy';
    DECLARE v_left BIGINT DEFAULT p_quantity;
    DECLARE v_day ROW(
        available_shares BIGINT, last_won BIGINT, quote_date DATE, lower_won BIGINT, upper_won BIGINT, settles_on DATE,
        sell_tax_rate DECIMAL(9, 8), opens_at TIME, closes_at TIME
    );
    DECLARE v_read ROW(
        market VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, stock_status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
        listed_shares BIGINT, account_status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, user_id BIGINT, tax_exempt BOOLEAN,
        same_key BIGINT, available_quantity BIGINT, rate DECIMAL(9, 8), tick_won BIGINT
    );
    DECLARE v_met ROW(bound_won BIGINT, from_won BIGINT, to_won BIGINT, makers BIGINT, self BOOLEAN) DEFAULT ROW(NULL, NULL, NULL, 0, FALSE);
    DECLARE v_sum ROW(house BIGINT, reserve BIGINT, value BIGINT, fee BIGINT, tax BIGINT, last_event BIGINT) DEFAULT ROW(0, 0, 0, 0, 0, NULL);
    DECLARE v_needed_won DECIMAL(38, 0);
    DECLARE v_event BIGINT;
    DECLARE v_is_open BOOLEAN;
    DECLARE v_events TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;

    SET o_replayed = FALSE, o_status = 'rejected';
    SET o_reason = CASE
        WHEN p_quantity IS NULL OR p_quantity < 1 THEN 'bad_quantity'
        WHEN p_side IN ('buy', 'sell') AND char_length(p_key) BETWEEN 1 AND 64
            AND (p_kind = 'limit' AND p_limit_won >= 1 OR p_kind = 'market' AND p_limit_won IS NULL) THEN NULL
        ELSE 'bad_request'
    END;
    IF o_reason IS NOT NULL THEN
        LEAVE main;
    END IF;
    IF NOT p_batch THEN
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        START TRANSACTION;
    END IF;
    SELECT i.available_shares, i.last_won, i.quote_date, i.lower_won, i.upper_won, i.settles_on, i.sell_tax_rate, i.opens_at, i.closes_at INTO v_day
    FROM stock_inventory AS i WHERE i.symbol = p_symbol FOR UPDATE;
    SELECT
        k.market, k.status, k.listed_shares, a.status, a.user_id, a.tax_exempt, o.order_id, p.quantity - p.reserved_quantity,
        (SELECT f.commission_rate FROM fee_schedules AS f
            WHERE f.broker_id = a.broker_id AND f.valid_from <= v_date ORDER BY f.valid_from DESC LIMIT 1),
        (SELECT t.tick_won FROM tick_sizes AS t
            WHERE t.market = k.market AND t.valid_from <= v_date AND t.price_from_won <= coalesce(p_limit_won, 1)
            ORDER BY t.valid_from DESC, t.price_from_won DESC LIMIT 1)
    INTO v_read
    FROM stocks AS k
    LEFT JOIN accounts AS a ON a.account_id = p_account_id AND a.kind = 'customer'
    LEFT JOIN orders AS o ON o.account_id = p_account_id AND o.idempotency_key = p_key
    LEFT JOIN positions AS p ON p.account_id = p_account_id AND p.symbol = p_symbol
    WHERE k.symbol = p_symbol;
    IF v_day.quote_date = v_date AND v_day.opens_at IS NOT NULL THEN
        SET v_is_open = date(v_kst) = v_date AND time(v_kst) >= v_day.opens_at AND time(v_kst) < v_day.closes_at;
    ELSE
        SET v_is_open = session_open(v_read.market, v_date, v_at);
    END IF;
    IF v_day.quote_date < v_date AND v_is_open THEN
        FOR r IN (
            SELECT o.account_id FROM orders AS o WHERE o.symbol = p_symbol AND o.side IN ('buy', 'sell') AND o.resting_won >= 1
            UNION
            SELECT p_account_id
            ORDER BY account_id
        ) DO
            SELECT a.user_id INTO v_event FROM accounts AS a WHERE a.account_id = r.account_id FOR UPDATE;
        END FOR;
        CALL open_day(p_symbol, v_date, v_at);
        SELECT i.last_won, i.quote_date, i.lower_won, i.upper_won, i.settles_on, i.sell_tax_rate, p.quantity - p.reserved_quantity
        INTO v_day.last_won, v_day.quote_date, v_day.lower_won, v_day.upper_won, v_day.settles_on, v_day.sell_tax_rate, v_read.available_quantity
        FROM stock_inventory AS i LEFT JOIN positions AS p ON p.account_id = p_account_id AND p.symbol = i.symbol
        WHERE i.symbol = p_symbol;
    END IF;
    IF v_read.same_key IS NOT NULL THEN
        CALL replay_order(v_read.same_key, p_symbol, p_side, p_kind, p_limit_won, p_quantity, p_portfolio_id, p_condition_id, p_prediction_id,
            o_status, o_reason, o_order_id, o_filled_quantity, o_filled_value_won, o_fee_won, o_tax_won, o_replayed);
        IF NOT p_batch THEN
            COMMIT;
        END IF;
        LEAVE main;
    END IF;
    SET o_reason = CASE
        WHEN v_day.quote_date IS NULL THEN 'unknown_symbol'
        WHEN v_read.user_id IS NULL THEN 'unknown_account'
        WHEN p_quantity > v_read.listed_shares THEN 'bad_quantity'
    END;
    IF o_reason IS NOT NULL THEN
        IF NOT p_batch THEN
            COMMIT;
        END IF;
        LEAVE main;
    END IF;
    SET o_reason = CASE
        WHEN v_read.account_status <> 'active' THEN 'account_inactive'
        WHEN v_read.stock_status = 'delisted' THEN 'delisted'
        WHEN v_read.stock_status = 'halted' THEN 'halted'
        WHEN NOT v_is_open OR v_date < v_day.quote_date OR v_read.tick_won IS NULL OR v_read.rate IS NULL THEN 'closed_session'
        WHEN p_limit_won % v_read.tick_won <> 0 THEN 'off_tick'
        WHEN p_limit_won < v_day.lower_won OR p_limit_won > v_day.upper_won THEN 'outside_price_limit'
        WHEN NOT v_buys AND coalesce(v_read.available_quantity, 0) < p_quantity THEN 'insufficient_shares'
    END;

    -- What the order would meet. The best price says of most orders that it is nothing.
    IF o_reason IS NULL THEN
        IF v_buys THEN
            SET v_met.bound_won = coalesce(p_limit_won, v_day.upper_won);
            SELECT min(o.resting_won) INTO v_met.from_won FROM orders AS o WHERE o.symbol = p_symbol AND o.side = 'sell';
        ELSE
            SET v_met.bound_won = coalesce(p_limit_won, v_day.lower_won);
            SELECT max(o.resting_won) INTO v_met.to_won FROM orders AS o WHERE o.symbol = p_symbol AND o.side = 'buy';
        END IF;
    END IF;
    IF v_met.from_won <= v_met.bound_won OR v_met.to_won >= v_met.bound_won THEN
        BEGIN
            DECLARE v_done BOOLEAN DEFAULT FALSE;
            DECLARE v_maker, m_user_id, m_price_won, m_quantity, m_value BIGINT;
            -- A cursor is a copy made when it opens: no more than one row a share.
            DECLARE c_sells CURSOR FOR
                SELECT o.order_id, o.resting_won, o.quantity - o.filled_quantity, a.user_id
                FROM orders AS o FORCE INDEX (orders_book_ix) STRAIGHT_JOIN accounts AS a ON a.account_id = o.account_id
                WHERE o.symbol = p_symbol AND o.side = 'sell' AND o.resting_won <= v_met.bound_won
                ORDER BY o.resting_won, o.order_id LIMIT p_quantity;
            DECLARE c_buys CURSOR FOR
                SELECT o.order_id, o.resting_won, o.quantity - o.filled_quantity, a.user_id
                FROM orders AS o FORCE INDEX (orders_book_ix) STRAIGHT_JOIN accounts AS a ON a.account_id = o.account_id
                WHERE o.symbol = p_symbol AND o.side = 'buy' AND o.resting_won >= v_met.bound_won
                ORDER BY o.resting_won DESC, o.order_id LIMIT p_quantity;
            DECLARE CONTINUE HANDLER FOR NOT FOUND SET v_done = TRUE;
            IF v_buys THEN
                OPEN c_sells;
                FETCH c_sells INTO v_maker, m_price_won, m_quantity, m_user_id;
            ELSE
                OPEN c_buys;
                FETCH c_buys INTO v_maker, m_price_won, m_quantity, m_user_id;
            END IF;
            WHILE NOT v_done DO
                SET m_quantity = least(v_left, m_quantity), m_value = m_price_won * m_quantity;
                SET v_met.makers = v_met.makers + 1, v_day.last_won = m_price_won, v_left = v_left - m_quantity, v_met.self = v_met.self OR m_user_id = v_read.user_id;
                SET v_sum.value = v_sum.value + m_value, v_sum.fee = v_sum.fee + floor(m_value * v_read.rate);
                SET v_sum.tax = v_sum.tax + CASE WHEN v_buys OR v_read.tax_exempt THEN 0 ELSE floor(m_value * v_day.sell_tax_rate) END;
                IF v_left = 0 THEN
                    SET v_done = TRUE;
                ELSEIF v_buys THEN
                    FETCH c_sells INTO v_maker, m_price_won, m_quantity, m_user_id;
                ELSE
                    FETCH c_buys INTO v_maker, m_price_won, m_quantity, m_user_id;
                END IF;
            END WHILE;
            IF v_buys THEN
                SET v_met.to_won = v_day.last_won;
            ELSE
                SET v_met.from_won = v_day.last_won;
            END IF;
            IF NOT p_batch THEN
                FOR r IN (
                    SELECT o.account_id
                    FROM orders AS o FORCE INDEX (orders_book_ix)
                    WHERE o.symbol = p_symbol AND o.side = CASE WHEN v_buys THEN 'sell' ELSE 'buy' END
                        AND o.resting_won BETWEEN v_met.from_won AND v_met.to_won AND (o.resting_won <> v_day.last_won OR o.order_id <= v_maker)
                    UNION
                    SELECT p_account_id
                    ORDER BY account_id
                ) DO
                    SELECT a.user_id INTO m_user_id FROM accounts AS a WHERE a.account_id = r.account_id FOR UPDATE;
                END FOR;
            END IF;
        END;
    END IF;

    SET o_order_id = NEXTVAL(event_ids);
    IF o_reason IS NULL THEN
        IF v_left > 0 AND (p_limit_won IS NULL OR CASE WHEN v_buys THEN v_day.last_won <= p_limit_won ELSE v_day.last_won >= p_limit_won END) THEN
            SET v_sum.house = CASE WHEN v_buys THEN least(v_left, v_day.available_shares) ELSE v_left END;
            SET v_left = v_left - v_sum.house, v_sum.value = v_sum.value + v_day.last_won * v_sum.house, v_sum.fee = v_sum.fee + floor(v_day.last_won * v_sum.house * v_read.rate);
            IF NOT (v_buys OR v_read.tax_exempt) THEN
                SET v_sum.tax = v_sum.tax + floor(v_day.last_won * v_sum.house * v_day.sell_tax_rate);
            END IF;
        END IF;
        -- The account pays before the order is written: a foreign key locks its row, too, but lets others do the same.
        IF v_buys THEN
            IF p_limit_won IS NULL THEN
                SET v_needed_won = v_sum.value + v_sum.fee;
            ELSE
                SET v_needed_won = p_limit_won * p_quantity + floor(p_limit_won * p_quantity * v_read.rate);
                IF v_left > 0 THEN
                    SET v_sum.reserve = p_limit_won * v_left + floor(p_limit_won * v_left * v_read.rate);
                END IF;
            END IF;
            IF v_met.self THEN
                SELECT CASE WHEN p_limit_won IS NOT NULL AND v_needed_won > a.cash_won - a.reserved_won THEN 'insufficient_cash' ELSE 'self_match' END
                INTO o_reason FROM accounts AS a WHERE a.account_id = p_account_id;
            ELSEIF v_needed_won > 0 THEN
                UPDATE accounts SET cash_won = cash_won - v_sum.value - v_sum.fee, reserved_won = reserved_won + v_sum.reserve
                WHERE account_id = p_account_id AND cash_won - reserved_won >= v_needed_won;
                IF row_count() = 0 THEN
                    SET o_reason = 'insufficient_cash';
                END IF;
            END IF;
        ELSEIF v_met.self THEN
            SET o_reason = 'self_match';
        ELSEIF v_sum.value > 0 THEN
            UPDATE accounts SET cash_won = cash_won + v_sum.value - v_sum.fee - v_sum.tax WHERE account_id = p_account_id;
        END IF;
        -- Numbers are drawn for what is to be traded, and for a market order before its cash is asked for.
        IF o_reason IS NULL OR (p_limit_won IS NULL AND o_reason = 'insufficient_cash') THEN
            FOR n IN 1 .. v_met.makers DO
                SET v_sum.last_event = NEXTVAL(event_ids), v_events = concat_ws(',', v_events, v_sum.last_event);
            END FOR;
            IF v_sum.house > 0 THEN
                SET v_sum.last_event = NEXTVAL(event_ids);
            END IF;
        END IF;
    END IF;

    IF o_reason IS NOT NULL THEN
        SET o_status = 'rejected', v_sum.last_event = NULL, v_left = p_quantity, v_sum.value = 0, v_sum.fee = 0, v_sum.tax = 0, v_sum.reserve = 0;
    ELSEIF v_left = 0 THEN
        SET o_status = 'filled';
    ELSEIF p_limit_won IS NULL THEN
        SET o_status = 'cancelled', o_reason = 'no_liquidity';
    ELSE
        SET o_status = 'open';
    END IF;
    SET o_filled_quantity = p_quantity - v_left, o_filled_value_won = v_sum.value, o_fee_won = v_sum.fee, o_tax_won = v_sum.tax;
    BEGIN
        -- The same key at the same moment for another issue: nothing else has been written yet.
        DECLARE EXIT HANDLER FOR 1062
        BEGIN
            ROLLBACK;
            SET o_status = 'rejected', o_reason = 'key_reused', o_order_id = NULL, o_filled_quantity = NULL, o_filled_value_won = NULL,
                o_fee_won = NULL, o_tax_won = NULL;
        END;
        INSERT INTO orders (order_id, account_id, idempotency_key, symbol, side, kind, limit_won, quantity, filled_quantity, reserved_won,
            status, reason, portfolio_id, condition_id, prediction_id, business_date, placed_at, closed_event_id)
        VALUES (o_order_id, p_account_id, p_key, p_symbol, p_side, p_kind, p_limit_won, p_quantity, o_filled_quantity, v_sum.reserve,
            o_status, o_reason, p_portfolio_id, p_condition_id, p_prediction_id, v_date, v_at,
            CASE WHEN o_status <> 'open' THEN coalesce(v_sum.last_event, o_order_id) END);
    END;
    IF o_order_id IS NULL THEN
        LEAVE main;
    END IF;
    IF NOT p_batch THEN
        INSERT INTO audit_log (audit_id, business_date, user_id, action, entity, entity_id, detail)
        VALUES (o_order_id, v_date, v_read.user_id, 'place', 'order', o_order_id,
            CASE WHEN o_status = 'rejected'
                THEN concat_ws(' ', p_side, p_kind, p_symbol, p_quantity, 'at', coalesce(p_limit_won, 'market'), o_status, o_reason)
                ELSE concat_ws(' ', p_side, p_kind, p_symbol, p_quantity, 'at', coalesce(p_limit_won, 'market'), o_status,
                    'filled', o_filled_quantity, 'for', v_sum.value) END);
    END IF;
    IF o_status = 'rejected' THEN
        IF NOT p_batch THEN
            COMMIT;
        END IF;
        LEAVE main;
    END IF;

    IF v_met.makers > 0 THEN
        BEGIN
            DECLARE v_unmet BIGINT DEFAULT p_quantity;
            DECLARE m_order_id, m_account_id, m_price_won, m_remaining, m_released, m_reserve, m_quantity, m_value, m_fee, m_tax, t_fee, t_tax BIGINT;
            DECLARE m_tax_exempt BOOLEAN;
            DECLARE m_rate DECIMAL(9, 8);
            DECLARE c_makers CURSOR FOR
                SELECT o.order_id, o.account_id, o.resting_won, o.quantity - o.filled_quantity, o.reserved_won, a.tax_exempt,
                    (SELECT f.commission_rate FROM fee_schedules AS f
                        WHERE f.broker_id = a.broker_id AND f.valid_from <= v_date ORDER BY f.valid_from DESC LIMIT 1)
                FROM orders AS o FORCE INDEX (orders_book_ix) STRAIGHT_JOIN accounts AS a ON a.account_id = o.account_id
                WHERE o.symbol = p_symbol AND o.side = CASE WHEN v_buys THEN 'sell' ELSE 'buy' END
                    AND o.resting_won BETWEEN v_met.from_won AND v_met.to_won
                ORDER BY CASE WHEN v_buys THEN o.resting_won ELSE -o.resting_won END, o.order_id LIMIT v_met.makers;
            OPEN c_makers;
            FOR n IN 1 .. v_met.makers DO
                FETCH c_makers INTO m_order_id, m_account_id, m_price_won, m_remaining, m_released, m_tax_exempt, m_rate;
                SET v_event = substring_index(substring_index(v_events, ',', n), ',', -1);
                SET m_quantity = least(v_unmet, m_remaining), v_unmet = v_unmet - m_quantity, m_remaining = m_remaining - m_quantity;
                SET m_value = m_price_won * m_quantity, m_fee = floor(m_value * m_rate), t_fee = floor(m_value * v_read.rate), m_tax = 0, t_tax = 0, m_reserve = 0;
                IF v_buys AND NOT m_tax_exempt THEN
                    SET m_tax = floor(m_value * v_day.sell_tax_rate);
                ELSEIF NOT v_buys THEN
                    SET t_tax = CASE WHEN v_read.tax_exempt THEN 0 ELSE floor(m_value * v_day.sell_tax_rate) END;
                    SET m_reserve = m_price_won * m_remaining + floor(m_price_won * m_remaining * m_rate);
                END IF;
                INSERT INTO trades (trade_id, symbol, buy_order_id, sell_order_id, taker_side, price_won, quantity,
                    buy_fee_won, sell_fee_won, sell_tax_won, business_date, settles_on, traded_at)
                VALUES (v_event, p_symbol, CASE WHEN v_buys THEN o_order_id ELSE m_order_id END, CASE WHEN v_buys THEN m_order_id ELSE o_order_id END,
                    p_side, m_price_won, m_quantity, CASE WHEN v_buys THEN t_fee ELSE m_fee END, CASE WHEN v_buys THEN m_fee ELSE t_fee END,
                    t_tax + m_tax, v_date, v_day.settles_on, v_at);
                IF NOT p_batch THEN
                    INSERT INTO journal_entries (journal_id, leg, business_date, account_id, asset, amount, kind)
                    SELECT v_event, e.leg, v_date, e.account_id, e.asset, e.amount, e.kind
                    FROM (
                        SELECT 1 AS leg, p_account_id AS account_id, 'KRW' AS asset,
                            CASE WHEN v_buys THEN -m_value ELSE m_value END - t_fee - t_tax AS amount, 'trade' AS kind
                        UNION ALL SELECT 2, m_account_id, 'KRW', CASE WHEN v_buys THEN m_value ELSE -m_value END - m_fee - m_tax, 'trade'
                        UNION ALL SELECT 3, p_account_id, p_symbol, CASE WHEN v_buys THEN m_quantity ELSE -m_quantity END, 'trade'
                        UNION ALL SELECT 4, m_account_id, p_symbol, CASE WHEN v_buys THEN -m_quantity ELSE m_quantity END, 'trade'
                        UNION ALL SELECT 5, 2, 'KRW', t_fee + m_fee, 'fee'
                        UNION ALL SELECT 6, 3, 'KRW', t_tax + m_tax, 'tax'
                    ) AS e
                    WHERE e.amount <> 0;
                END IF;
                UPDATE orders SET
                    filled_quantity = filled_quantity + m_quantity,
                    reserved_won = m_reserve,
                    status = CASE WHEN m_remaining = 0 THEN 'filled' ELSE 'open' END,
                    closed_event_id = CASE WHEN m_remaining = 0 THEN v_event END
                WHERE order_id = m_order_id;
                UPDATE accounts SET
                    cash_won = cash_won + CASE WHEN v_buys THEN m_value ELSE -m_value END - m_fee - m_tax,
                    reserved_won = reserved_won - m_released + m_reserve
                WHERE account_id = m_account_id;
                IF v_buys THEN
                    -- MariaDB assigns from left to right: the cost is cut by the quantity before it changes.
                    UPDATE positions SET
                        cost_won = cost_won - CAST(cost_won AS DECIMAL(38, 0)) * m_quantity DIV quantity,
                        quantity = quantity - m_quantity,
                        reserved_quantity = reserved_quantity - m_quantity
                    WHERE account_id = m_account_id AND symbol = p_symbol;
                ELSE
                    INSERT INTO positions (account_id, symbol, quantity, cost_won) VALUES (m_account_id, p_symbol, m_quantity, m_value)
                    ON DUPLICATE KEY UPDATE quantity = quantity + m_quantity, cost_won = cost_won + m_value;
                END IF;
            END FOR;
        END;
    END IF;
    IF v_sum.house > 0 THEN
        -- The house pays neither fee nor tax, and a leg of 0 is left out.
        IF v_met.makers > 0 THEN
            SET v_sum.fee = floor(v_day.last_won * v_sum.house * v_read.rate);
            SET v_sum.tax = CASE WHEN v_buys OR v_read.tax_exempt THEN 0 ELSE floor(v_day.last_won * v_sum.house * v_day.sell_tax_rate) END;
        END IF;
        INSERT INTO trades (trade_id, symbol, buy_order_id, sell_order_id, taker_side, price_won, quantity,
            buy_fee_won, sell_fee_won, sell_tax_won, business_date, settles_on, traded_at)
        VALUES (v_sum.last_event, p_symbol, CASE WHEN v_buys THEN o_order_id END, CASE WHEN v_buys THEN NULL ELSE o_order_id END, p_side,
            v_day.last_won, v_sum.house, CASE WHEN v_buys THEN v_sum.fee ELSE 0 END, CASE WHEN v_buys THEN 0 ELSE v_sum.fee END, v_sum.tax, v_date, v_day.settles_on, v_at);
        IF NOT p_batch THEN
            IF v_buys AND v_sum.fee > 0 THEN
                INSERT INTO journal_entries (journal_id, leg, business_date, account_id, asset, amount, kind) VALUES
                (v_sum.last_event, 1, v_date, p_account_id, 'KRW', -v_day.last_won * v_sum.house - v_sum.fee, 'trade'),
                (v_sum.last_event, 2, v_date, 1, 'KRW', v_day.last_won * v_sum.house, 'trade'),
                (v_sum.last_event, 3, v_date, p_account_id, p_symbol, v_sum.house, 'trade'),
                (v_sum.last_event, 4, v_date, 1, p_symbol, -v_sum.house, 'trade'),
                (v_sum.last_event, 5, v_date, 2, 'KRW', v_sum.fee, 'fee');
            ELSEIF v_sum.fee > 0 AND v_sum.tax > 0 THEN
                INSERT INTO journal_entries (journal_id, leg, business_date, account_id, asset, amount, kind) VALUES
                (v_sum.last_event, 1, v_date, p_account_id, 'KRW', v_day.last_won * v_sum.house - v_sum.fee - v_sum.tax, 'trade'),
                (v_sum.last_event, 2, v_date, 1, 'KRW', -v_day.last_won * v_sum.house, 'trade'),
                (v_sum.last_event, 3, v_date, p_account_id, p_symbol, -v_sum.house, 'trade'),
                (v_sum.last_event, 4, v_date, 1, p_symbol, v_sum.house, 'trade'),
                (v_sum.last_event, 5, v_date, 2, 'KRW', v_sum.fee, 'fee'),
                (v_sum.last_event, 6, v_date, 3, 'KRW', v_sum.tax, 'tax');
            ELSE
                INSERT INTO journal_entries (journal_id, leg, business_date, account_id, asset, amount, kind) VALUES
                (v_sum.last_event, 1, v_date, p_account_id, 'KRW', CASE WHEN v_buys THEN -1 ELSE 1 END * v_day.last_won * v_sum.house - v_sum.fee - v_sum.tax, 'trade'),
                (v_sum.last_event, 2, v_date, 1, 'KRW', CASE WHEN v_buys THEN 1 ELSE -1 END * v_day.last_won * v_sum.house, 'trade'),
                (v_sum.last_event, 3, v_date, p_account_id, p_symbol, CASE WHEN v_buys THEN v_sum.house ELSE -v_sum.house END, 'trade'),
                (v_sum.last_event, 4, v_date, 1, p_symbol, CASE WHEN v_buys THEN -v_sum.house ELSE v_sum.house END, 'trade');
                IF v_sum.fee > 0 THEN
                    INSERT INTO journal_entries (journal_id, leg, business_date, account_id, asset, amount, kind)
                    VALUES (v_sum.last_event, 5, v_date, 2, 'KRW', v_sum.fee, 'fee');
                END IF;
                IF v_sum.tax > 0 THEN
                    INSERT INTO journal_entries (journal_id, leg, business_date, account_id, asset, amount, kind)
                    VALUES (v_sum.last_event, 6, v_date, 3, 'KRW', v_sum.tax, 'tax');
                END IF;
            END IF;
        END IF;
    END IF;
    IF v_sum.value > 0 THEN
        UPDATE stock_inventory SET
            available_shares = available_shares + CASE WHEN v_buys THEN -v_sum.house ELSE v_sum.house END,
            last_won = v_day.last_won
        WHERE symbol = p_symbol;
    END IF;
    IF NOT v_buys AND (o_status = 'open' OR v_sum.value > 0) THEN
        UPDATE positions SET
            cost_won = cost_won - CAST(cost_won AS DECIMAL(38, 0)) * o_filled_quantity DIV quantity,
            quantity = quantity - o_filled_quantity,
            reserved_quantity = reserved_quantity + CASE WHEN o_status = 'open' THEN p_quantity - o_filled_quantity ELSE 0 END
        WHERE account_id = p_account_id AND symbol = p_symbol;
    ELSEIF v_buys AND v_sum.value > 0 AND v_read.available_quantity IS NOT NULL THEN
        UPDATE positions SET quantity = quantity + o_filled_quantity, cost_won = cost_won + v_sum.value
        WHERE account_id = p_account_id AND symbol = p_symbol;
    ELSEIF v_buys AND v_sum.value > 0 THEN
        INSERT INTO positions (account_id, symbol, quantity, cost_won) VALUES (p_account_id, p_symbol, o_filled_quantity, v_sum.value);
    END IF;
    IF NOT p_batch THEN
        COMMIT;
    END IF;
END;

CREATE OR REPLACE PROCEDURE place_order_out(
    IN p_key VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
    IN p_account_id BIGINT,
    IN p_symbol VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
    IN p_side VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
    IN p_kind VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
    IN p_limit_won BIGINT, IN p_quantity BIGINT,
    IN p_business_date DATE, IN p_at DATETIME(6), IN p_portfolio_id BIGINT, IN p_condition_id BIGINT, IN p_prediction_id BIGINT,
    OUT o_status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
    OUT o_reason VARCHAR(24) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
    OUT o_order_id BIGINT, OUT o_filled_quantity BIGINT
)
COMMENT 'place_order for drivers that cannot take a result set from a procedure'
BEGIN
    DECLARE v_filled_value_won, v_fee_won, v_tax_won BIGINT;
    DECLARE v_replayed BOOLEAN;
    CALL execute_order(p_key, p_account_id, p_symbol, p_side, p_kind, p_limit_won, p_quantity, p_business_date, p_at,
        p_portfolio_id, p_condition_id, p_prediction_id, FALSE,
        o_status, o_reason, o_order_id, o_filled_quantity, v_filled_value_won, v_fee_won, v_tax_won, v_replayed);
END;

CREATE OR REPLACE PROCEDURE place_order(
    IN p_key VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
    IN p_account_id BIGINT,
    IN p_symbol VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
    IN p_side VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
    IN p_kind VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
    IN p_limit_won BIGINT, IN p_quantity BIGINT,
    IN p_business_date DATE, IN p_at DATETIME(6), IN p_portfolio_id BIGINT, IN p_condition_id BIGINT, IN p_prediction_id BIGINT
)
COMMENT 'Places one order: checks, reserves, matches by price and time, then meets the house; answers with its state. The same key again answers for the same order'
BEGIN
    DECLARE v_answer ROW(
        status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, reason VARCHAR(24) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
        order_id BIGINT, filled_quantity BIGINT, filled_value_won BIGINT, fee_won BIGINT, tax_won BIGINT, replayed BOOLEAN
    );
    CALL execute_order(p_key, p_account_id, p_symbol, p_side, p_kind, p_limit_won, p_quantity, p_business_date, p_at,
        p_portfolio_id, p_condition_id, p_prediction_id, FALSE,
        v_answer.status, v_answer.reason, v_answer.order_id, v_answer.filled_quantity, v_answer.filled_value_won, v_answer.fee_won,
        v_answer.tax_won, v_answer.replayed);
    SELECT v_answer.status AS status, v_answer.reason AS reason, v_answer.order_id AS order_id, v_answer.filled_quantity AS filled_quantity,
        v_answer.filled_value_won AS filled_value_won, v_answer.fee_won AS fee_won, v_answer.tax_won AS tax_won, v_answer.replayed AS replayed;
END;
