-- requires: R__place_order.sql
-- A condition's life: made, taken back, over, and executed: its order, its trades, its notices and its audit row in one
-- transaction, once for each prediction that meets it.
--
-- Locks, in this order: the row of stock_inventory, the condition, its prediction, then what place_order locks.
--
-- Reasons of add_condition: unknown_account, unknown_symbol, delisted, past_expiry. Reasons for which execute_condition
-- places nothing now: unknown_condition, not_active, expired, cooling_down, not_met, done_before, closed_session, not_listed.
-- It pauses a condition of which no order can be made: amount_too_small, and what place_order refuses without a row.
--
-- add_condition, cancel_condition and expire_conditions belong in a transaction of their caller; execute_condition opens and
-- ends one of its own, and is refused inside another one.

CREATE OR REPLACE FUNCTION price_on(p_symbol VARCHAR(6) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, p_date DATE)
RETURNS BIGINT READS SQL DATA
COMMENT 'The last price of an issue on a business date; what it would open with, where its day is not open yet'
BEGIN
    DECLARE v_quote_date, v_close_date DATE;
    DECLARE v_last_won, v_close_won BIGINT;
    DECLARE CONTINUE HANDLER FOR NOT FOUND BEGIN END;
    SELECT i.quote_date, i.last_won INTO v_quote_date, v_last_won FROM stock_inventory AS i WHERE i.symbol = p_symbol;
    IF v_quote_date < p_date THEN
        SELECT c.price_date, c.close_won INTO v_close_date, v_close_won
        FROM stock_prices AS c WHERE c.symbol = p_symbol AND c.price_date < p_date ORDER BY c.price_date DESC LIMIT 1;
    END IF;
    RETURN CASE WHEN v_close_date >= v_quote_date THEN v_close_won ELSE v_last_won END;
END;

CREATE OR REPLACE PROCEDURE log_condition(
    IN p_condition_id BIGINT, IN p_date DATE, IN p_action VARCHAR(24) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
    IN p_detail VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin
)
COMMENT 'Writes the audit row of what was done to a condition'
INSERT INTO audit_log (audit_id, business_date, user_id, action, entity, entity_id, detail)
SELECT NEXTVAL(event_ids), p_date, c.user_id, p_action, 'condition', c.condition_id, p_detail
FROM conditions AS c WHERE c.condition_id = p_condition_id;

CREATE OR REPLACE PROCEDURE add_condition(
    IN p_account_id BIGINT, IN p_symbol VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, IN p_rule LONGTEXT CHARACTER SET utf8mb4,
    IN p_expires_at DATETIME(6), IN p_business_date DATE, IN p_at DATETIME(6)
)
COMMENT 'Makes a condition with its audit row, or says why not'
BEGIN
    DECLARE v_at DATETIME(6) DEFAULT coalesce(p_at, utc_timestamp(6));
    DECLARE v_user_id BIGINT DEFAULT (SELECT a.user_id FROM accounts AS a WHERE a.account_id = p_account_id AND a.kind = 'customer');
    DECLARE v_listed VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin DEFAULT (SELECT k.status FROM stocks AS k WHERE k.symbol = p_symbol);
    DECLARE v_reason VARCHAR(24) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin DEFAULT CASE
        WHEN v_user_id IS NULL THEN 'unknown_account'
        WHEN v_listed IS NULL THEN 'unknown_symbol'
        WHEN v_listed = 'delisted' THEN 'delisted'
        WHEN p_expires_at <= v_at THEN 'past_expiry'
    END;
    DECLARE v_id BIGINT;
    IF v_reason IS NULL THEN
        INSERT INTO conditions (user_id, account_id, symbol, rule, expires_at, created_at)
        VALUES (v_user_id, p_account_id, p_symbol, p_rule, p_expires_at, v_at);
        SET v_id = last_insert_id();
        CALL log_condition(v_id, coalesce(p_business_date, date(v_at + INTERVAL 9 HOUR)), 'add',
            concat_ws(' ', json_value(p_rule, '$.side'), p_symbol, 'for account', p_account_id));
    END IF;
    SELECT v_id AS condition_id, v_reason AS reason;
END;

CREATE OR REPLACE PROCEDURE cancel_condition(IN p_condition_id BIGINT, IN p_business_date DATE, IN p_at DATETIME(6))
COMMENT 'Takes a condition back; answers with what its status was, NULL for no such condition'
BEGIN
    DECLARE v_at DATETIME(6) DEFAULT coalesce(p_at, utc_timestamp(6));
    DECLARE v_status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
    DECLARE CONTINUE HANDLER FOR NOT FOUND BEGIN END;
    SELECT c.status INTO v_status FROM conditions AS c WHERE c.condition_id = p_condition_id FOR UPDATE;
    IF v_status IN ('active', 'paused') THEN
        UPDATE conditions SET status = 'cancelled' WHERE condition_id = p_condition_id;
        CALL log_condition(p_condition_id, coalesce(p_business_date, date(v_at + INTERVAL 9 HOUR)), 'withdraw', concat_ws(' ', 'was', v_status));
    END IF;
    SELECT v_status AS status;
END;

CREATE OR REPLACE PROCEDURE expire_conditions(IN p_business_date DATE, IN p_at DATETIME(6))
COMMENT 'Ends the conditions whose time is over, each with its audit row; answers with how many'
BEGIN
    DECLARE v_at DATETIME(6) DEFAULT coalesce(p_at, utc_timestamp(6));
    DECLARE v_date DATE DEFAULT coalesce(p_business_date, date(v_at + INTERVAL 9 HOUR));
    DECLARE v_ended BIGINT DEFAULT 0;
    FOR r IN (
        SELECT c.condition_id, c.executions FROM conditions AS c
        WHERE c.status IN ('active', 'paused') AND c.expires_at <= v_at ORDER BY c.condition_id FOR UPDATE SKIP LOCKED
    ) DO
        UPDATE conditions SET status = 'expired' WHERE condition_id = r.condition_id;
        CALL log_condition(r.condition_id, v_date, 'lapse', concat_ws(' ', 'after', r.executions, 'orders'));
        SET v_ended = v_ended + 1;
    END FOR;
    SELECT v_ended AS ended;
END;

CREATE OR REPLACE PROCEDURE execute_condition(IN p_condition_id BIGINT, IN p_prediction_id BIGINT, IN p_business_date DATE, IN p_at DATETIME(6))
COMMENT 'Places the order of a condition that is met, with its notices and its audit row, once for each prediction; says why where it places none'
BEGIN
    DECLARE v_at DATETIME(6) DEFAULT coalesce(p_at, utc_timestamp(6));
    DECLARE v_date DATE DEFAULT coalesce(p_business_date, date(v_at + INTERVAL 9 HOUR));
    DECLARE c ROW TYPE OF conditions;
    DECLARE s ROW(
        market VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
        last_won BIGINT, is_open BOOLEAN, lower_won BIGINT, upper_won BIGINT
    );
    DECLARE v_answer ROW(
        status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, reason VARCHAR(24) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
        order_id BIGINT, filled_quantity BIGINT, filled_value_won BIGINT, fee_won BIGINT, tax_won BIGINT, replayed BOOLEAN
    );
    DECLARE v_symbol VARCHAR(6) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
    DECLARE v_prediction_id, v_ignored, v_tick, v_limit, v_quantity BIGINT;
    DECLARE v_reason VARCHAR(24) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
    DECLARE v_detail VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
    DECLARE CONTINUE HANDLER FOR NOT FOUND BEGIN END;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;
    SET v_answer = ROW('skipped', NULL, NULL, 0, 0, 0, 0, FALSE);
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    START TRANSACTION;
    SELECT k.symbol INTO v_symbol FROM conditions AS k WHERE k.condition_id = p_condition_id;
    SELECT i.last_won INTO v_ignored FROM stock_inventory AS i WHERE i.symbol = v_symbol FOR UPDATE;
    SELECT k.* INTO c FROM conditions AS k WHERE k.condition_id = p_condition_id FOR UPDATE;
    SELECT k.market, k.status, price_on(k.symbol, v_date), session_open(k.market, v_date, v_at) AND i.quote_date <= v_date, i.lower_won, i.upper_won
    INTO s
    FROM stocks AS k JOIN stock_inventory AS i ON i.symbol = k.symbol WHERE k.symbol = v_symbol;
    IF EXISTS (SELECT 1 FROM stock_inventory AS i WHERE i.symbol = v_symbol AND i.quote_date < v_date) THEN
        SET s.lower_won = lower_limit_won(s.market, v_date, s.last_won), s.upper_won = upper_limit_won(s.market, v_date, s.last_won);
    END IF;
    IF c.min_confidence IS NOT NULL OR c.model_version IS NOT NULL THEN
        SELECT p.prediction_id INTO v_prediction_id
        FROM predictions AS p
        WHERE
            p.prediction_id = p_prediction_id AND p.status = 'valid' AND p.symbol = c.symbol AND p.side = c.side
            AND p.confidence >= coalesce(c.min_confidence, 0) AND p.model_version = coalesce(c.model_version, p.model_version)
            AND p.predicted_at <= v_at AND (p.expires_at IS NULL OR p.expires_at > v_at)
        LOCK IN SHARE MODE;
        IF v_prediction_id IS NULL THEN
            SET v_reason = 'not_met';
        END IF;
    ELSEIF p_prediction_id IS NOT NULL THEN
        SET v_reason = 'not_met';
    END IF;
    SET v_reason = CASE
        WHEN c.condition_id IS NULL THEN 'unknown_condition'
        WHEN c.status <> 'active' THEN 'not_active'
        WHEN c.expires_at <= v_at THEN 'expired'
        WHEN c.executed_at + INTERVAL c.cool_down_s SECOND > v_at THEN 'cooling_down'
        WHEN s.status <> 'listed' THEN 'not_listed'
        WHEN s.is_open IS NOT TRUE THEN 'closed_session'
        WHEN s.last_won < coalesce(c.from_won, s.last_won) OR s.last_won > coalesce(c.to_won, s.last_won) THEN 'not_met'
        WHEN EXISTS (SELECT 1 FROM orders AS o WHERE o.condition_id = p_condition_id AND o.prediction_id = p_prediction_id) THEN 'done_before'
        ELSE v_reason
    END;

    IF v_reason IS NOT NULL THEN
        SET v_answer.reason = v_reason;
    ELSE
        -- The limit is the nearer of two: so far from the last price, and the far end of the band. Without either, at the market.
        IF c.side = 'buy' THEN
            SET v_limit = least(coalesce(s.last_won + s.last_won * c.price_band_bp DIV 10000, c.to_won), coalesce(c.to_won, s.last_won + s.last_won * c.price_band_bp DIV 10000));
            SET v_limit = least(v_limit, s.upper_won);
            SET v_tick = tick_won(s.market, v_date, v_limit);
            SET v_limit = v_limit DIV v_tick * v_tick;
        ELSE
            SET v_limit = greatest(coalesce(s.last_won - s.last_won * c.price_band_bp DIV 10000, c.from_won), coalesce(c.from_won, s.last_won - s.last_won * c.price_band_bp DIV 10000));
            SET v_limit = greatest(v_limit, s.lower_won);
            SET v_tick = tick_won(s.market, v_date, v_limit);
            SET v_limit = (v_limit + v_tick - 1) DIV v_tick * v_tick;
        END IF;
        SET v_quantity = coalesce(c.quantity, c.amount_won DIV coalesce(v_limit, s.last_won));
        IF v_quantity >= 1 THEN
            CALL execute_order(
                concat_ws('-', 'condition', p_condition_id, coalesce(p_prediction_id, concat('price-', c.executions + 1))),
                c.account_id, c.symbol, c.side, CASE WHEN v_limit IS NULL THEN 'market' ELSE 'limit' END, v_limit, v_quantity,
                v_date, v_at, NULL, p_condition_id, p_prediction_id, FALSE, TRUE, v_answer
            );
            IF v_answer.order_id IS NULL OR v_answer.replayed THEN
                SET v_reason = coalesce(v_answer.reason, 'key_reused');
            END IF;
        ELSE
            SET v_reason = 'amount_too_small';
        END IF;
        IF v_reason IS NOT NULL THEN
            -- What was refused for a key that is taken has ended the transaction already.
            ROLLBACK;
            START TRANSACTION;
            UPDATE conditions SET status = 'paused' WHERE condition_id = p_condition_id;
            CALL log_condition(p_condition_id, v_date, 'pause', v_reason);
            SET v_answer = ROW('paused', v_reason, NULL, 0, 0, 0, 0, FALSE);
        ELSE
            UPDATE conditions SET
                executed_at = v_at,
                executions = executions + 1,
                status = CASE WHEN c.cool_down_s IS NULL THEN 'done' ELSE 'active' END
            WHERE condition_id = p_condition_id;
            SET v_detail = concat_ws(' ', concat('조건 ', p_condition_id, ':'), c.symbol, CASE c.side WHEN 'buy' THEN '매수' ELSE '매도' END, concat(v_quantity, '주'),
                CASE WHEN v_answer.status = 'rejected' THEN concat('거부: ', v_answer.reason)
                    ELSE concat('주문, ', v_answer.filled_quantity, '주 체결, ', v_answer.filled_value_won, '원') END);
            INSERT INTO notifications (user_id, order_id, prediction_id, kind, channel, body, created_at)
            SELECT c.user_id, v_answer.order_id, p_prediction_id, CASE WHEN v_answer.status = 'rejected' THEN 'order_rejected' ELSE 'order_executed' END,
                n.channel, v_detail, v_at
            FROM (SELECT 1 AS place_no, 'push' AS channel UNION ALL SELECT 2, 'email' UNION ALL SELECT 3, 'sms') AS n
            WHERE json_contains(coalesce(json_query(c.rule, '$.notify'), '["push", "email"]'), json_quote(n.channel))
            ORDER BY n.place_no;
            CALL log_condition(p_condition_id, v_date, 'execute',
                concat_ws(' ', 'conditional order', v_answer.order_id, 'prediction', coalesce(p_prediction_id, 'none'),
                    v_answer.status, v_answer.reason, 'filled', v_answer.filled_quantity, 'for', v_answer.filled_value_won));
        END IF;
    END IF;
    COMMIT;
    SELECT v_answer.status AS status, v_answer.reason AS reason, v_answer.order_id AS order_id, v_answer.filled_quantity AS filled_quantity,
        v_answer.filled_value_won AS filled_value_won;
END;
