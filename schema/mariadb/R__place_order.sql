-- requires: R__market.sql R__auctions.sql
-- One order, one transaction, one round trip.
--
-- Locks, always in this order: the rows of stock_inventory by symbol; the rows of accounts by account_id (the caller's and
-- those of every resting order that is met). Orders and positions are written only by who holds their symbol. The accounts
-- of the house are never locked: they get entries, and their sums are folded later.
--
-- Rejections are answers with a reason, never exceptions. Refused without a row, because there is nothing to hang it on:
-- unknown_account, unknown_symbol, bad_request, bad_quantity, key_reused. Refused with a row in orders:
-- account_inactive, delisted, halted, closed_session, limit_only, off_tick, outside_price_limit, self_match, insufficient_cash,
-- insufficient_shares. Cancelled by the routine: no_liquidity (what is left of a market order), expired (on the next
-- business day, or after the closing auction).
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
COMMENT 'Ends an issue''s trading day and opens the next: day orders expire, the base price, the limits, the ticks, the tax rate and the hours are set. Needs the symbol and the owners of its resting orders locked'
BEGIN
    DECLARE v_market VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
    DECLARE v_quote_date, v_close_date, v_settles_on DATE;
    DECLARE v_last_won, v_close_won, v_base_won, v_lower_won, v_upper_won, v_steps, v_high_from_won BIGINT;
    DECLARE v_opens_at, v_closes_at TIME;
    IF EXISTS (SELECT 1 FROM stock_inventory AS i WHERE i.symbol = p_symbol AND i.auction_id IS NOT NULL) THEN
        CALL uncross_issue(p_symbol);
    END IF;
    SELECT k.market, i.quote_date, i.last_won INTO v_market, v_quote_date, v_last_won
    FROM stocks AS k JOIN stock_inventory AS i ON i.symbol = k.symbol WHERE k.symbol = p_symbol;
    CALL expire_orders(p_symbol, p_date);
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
    SET v_lower_won = lower_limit_won(v_market, p_date, v_base_won), v_upper_won = upper_limit_won(v_market, p_date, v_base_won);
    SELECT count(*), min(t.price_from_won) INTO v_steps, v_high_from_won
    FROM tick_sizes AS t
    WHERE
        t.market = v_market
        AND t.valid_from = (SELECT max(f.valid_from) FROM tick_sizes AS f WHERE f.market = v_market AND f.valid_from <= p_date)
        AND t.price_from_won > v_lower_won
        AND t.price_from_won <= v_upper_won;
    UPDATE stock_inventory SET
        quote_date = p_date,
        base_won = v_base_won,
        last_won = v_base_won,
        lower_won = v_lower_won,
        upper_won = v_upper_won,
        tick_won = CASE WHEN v_steps <= 1 THEN tick_won(v_market, p_date, v_lower_won) END,
        high_tick_from_won = CASE WHEN v_steps = 1 THEN v_high_from_won END,
        high_tick_won = CASE WHEN v_steps = 1 THEN tick_won(v_market, p_date, v_high_from_won) END,
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

CREATE OR REPLACE PROCEDURE write_journal(
    IN p_journal_id BIGINT, IN p_date DATE, IN p_account_id BIGINT, IN p_other_id BIGINT,
    IN p_symbol VARCHAR(6) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
    IN p_won BIGINT, IN p_other_won BIGINT, IN p_shares BIGINT, IN p_fee_won BIGINT, IN p_tax_won BIGINT
)
COMMENT 'Writes the journal of a trade whose legs may be 0, and those are left out; an order with none of 0 writes its own, in one statement'
INSERT INTO journal_entries (journal_id, leg, business_date, account_id, asset, amount, kind)
SELECT p_journal_id, e.leg, p_date, e.account_id, e.asset, e.amount, e.kind
FROM (
    SELECT 1 AS leg, p_account_id AS account_id, 'KRW' AS asset, p_won AS amount, 'trade' AS kind
    UNION ALL SELECT 2, p_other_id, 'KRW', p_other_won, 'trade'
    UNION ALL SELECT 3, p_account_id, p_symbol, p_shares, 'trade'
    UNION ALL SELECT 4, p_other_id, p_symbol, -p_shares, 'trade'
    UNION ALL SELECT 5, 2, 'KRW', p_fee_won, 'fee'
    UNION ALL SELECT 6, 3, 'KRW', p_tax_won, 'tax'
) AS e
WHERE e.amount <> 0;

CREATE OR REPLACE PROCEDURE refuse_quarantined(IN p_prediction_id BIGINT)
COMMENT 'Says why there can be no order of a quarantined prediction; that there is none, the foreign key of orders holds'
BEGIN
    DECLARE v_message VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
    IF EXISTS (SELECT 1 FROM predictions AS p WHERE p.prediction_id = p_prediction_id AND p.status = 'quarantined') THEN
        SET v_message = concat('prediction ', p_prediction_id, ' is quarantined: no order follows from it');
        SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = v_message;
    END IF;
END;

CREATE OR REPLACE PROCEDURE execute_order(
    IN p_key VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
    IN p_account_id BIGINT,
    IN p_symbol VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
    IN p_side VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
    IN p_kind VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
    IN p_limit_won BIGINT, IN p_quantity BIGINT,
    IN p_business_date DATE, IN p_at DATETIME(6), IN p_portfolio_id BIGINT, IN p_condition_id BIGINT, IN p_prediction_id BIGINT, IN p_batch BOOLEAN,
    IN p_joins BOOLEAN,
    OUT o_answer ROW(
        status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, reason VARCHAR(24) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
        order_id BIGINT, filled_quantity BIGINT, filled_value_won BIGINT, fee_won BIGINT, tax_won BIGINT, replayed BOOLEAN
    )
)
COMMENT 'The whole life of one order, in a transaction of its own unless it joins that of its caller; a batch holds the locks, and writes journal and audit by itself'
main: BEGIN
    -- What an order costs here, dearest first: a statement, each variable that a statement names (it is written into the text of
    -- the statement), a variable of its own, an instruction (SET, IF). So variables stand together as rows, what is known before
    -- a statement is worked out by SET and not within it, and what is rare is asked for by one IF.
    DECLARE v_at DATETIME(6) DEFAULT coalesce(p_at, utc_timestamp(6));
    DECLARE v_date DATE DEFAULT coalesce(p_business_date, date(v_at + INTERVAL 9 HOUR));
    DECLARE v_buys BOOLEAN DEFAULT p_side = 'buy';
    -- symbol is as long as the column: for a longer text min() and max() would not be taken from the end of an index.
    DECLARE v_day ROW(
        symbol VARCHAR(6) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, available_shares BIGINT, last_won BIGINT, quote_date DATE,
        lower_won BIGINT, upper_won BIGINT, settles_on DATE, sell_tax_rate DECIMAL(9, 8), tick_won BIGINT, high_tick_from_won BIGINT,
        high_tick_won BIGINT, is_open BOOLEAN
    );
    DECLARE v_read ROW(
        market VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, stock_status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
        listed_shares BIGINT, account_status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, user_id BIGINT, tax_exempt BOOLEAN,
        same_key BIGINT, broker_id BIGINT
    );
    DECLARE v_available BIGINT;
    DECLARE v_rate DECIMAL(9, 8);
    DECLARE v_met ROW(
        from_won BIGINT, to_won BIGINT, makers BIGINT, several BOOLEAN, self BOOLEAN, last_event BIGINT, closed_event BIGINT,
        events TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, collects BOOLEAN
    ) DEFAULT ROW(NULL, NULL, 0, FALSE, FALSE, NULL, NULL, NULL, FALSE);
    DECLARE v_maker ROW(
        order_id BIGINT, account_id BIGINT, price_won BIGINT, remaining BIGINT, released_won BIGINT, user_id BIGINT, tax_exempt BOOLEAN, rate DECIMAL(9, 8)
    );
    DECLARE v_sum ROW(rest BIGINT, value BIGINT, fee BIGINT, tax BIGINT, reserve BIGINT, needed DECIMAL(38, 0)) DEFAULT ROW(p_quantity, 0, 0, 0, 0, 0);
    DECLARE v_house ROW(quantity BIGINT, value BIGINT, fee BIGINT, tax BIGINT) DEFAULT ROW(0, 0, 0, 0);
    DECLARE v_detail VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;

    SET o_answer = ROW('rejected', NULL, NULL, NULL, NULL, NULL, NULL, FALSE);
    IF (p_quantity >= 1 AND p_side IN ('buy', 'sell') AND char_length(p_key) BETWEEN 1 AND 64
        AND (p_kind = 'limit' AND p_limit_won >= 1 OR p_kind = 'market' AND p_limit_won IS NULL)) IS NOT TRUE THEN
        SET o_answer.reason = CASE WHEN p_quantity >= 1 THEN 'bad_request' ELSE 'bad_quantity' END;
        LEAVE main;
    END IF;
    IF NOT p_joins THEN
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        START TRANSACTION;
    END IF;
    SELECT
        i.symbol, i.available_shares, i.last_won, i.quote_date, i.lower_won, i.upper_won, i.settles_on, i.sell_tax_rate,
        i.tick_won, i.high_tick_from_won, i.high_tick_won,
        i.opens_at <= time(v_at + INTERVAL 9 HOUR) AND i.closes_at > time(v_at + INTERVAL 9 HOUR) AND i.auction_id IS NULL
    INTO v_day
    FROM stock_inventory AS i WHERE i.symbol = p_symbol FOR UPDATE;
    SELECT
        k.market, k.status, k.listed_shares, a.status, a.user_id, a.tax_exempt, o.order_id, a.broker_id
    INTO v_read
    FROM stocks AS k
    LEFT JOIN accounts AS a ON a.account_id = p_account_id AND a.kind = 'customer'
    LEFT JOIN orders AS o ON o.account_id = p_account_id AND o.idempotency_key = p_key
    WHERE k.symbol = p_symbol;
    -- As subqueries of the statement above the two cost twice as much.
    SELECT f.commission_rate INTO v_rate FROM fee_schedules AS f
    WHERE f.broker_id = v_read.broker_id AND f.valid_from <= v_date ORDER BY f.valid_from DESC LIMIT 1;
    -- The row of the issue tells the hours of its own day; a clock that shows another day, a row without hours, and an issue that
    -- is not in continuous trading, ask the calendar.
    IF (v_day.quote_date = v_date AND date(v_at + INTERVAL 9 HOUR) = v_date AND v_day.is_open) IS NOT TRUE THEN
        SET v_day.is_open = coalesce(v_day.is_open, TRUE) AND session_open(v_read.market, v_date, v_at);
        IF v_day.is_open IS NOT TRUE OR v_day.quote_date < v_date THEN
            BEGIN
                DECLARE v_state VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
                CALL advance_issue(v_day.symbol, p_account_id, v_date, v_at, v_state);
                SET v_day.is_open = v_state IS NOT NULL, v_met.collects = v_state <=> 'collects';
                SELECT i.available_shares, i.last_won, i.quote_date, i.lower_won, i.upper_won, i.settles_on, i.sell_tax_rate,
                    i.tick_won, i.high_tick_from_won, i.high_tick_won
                INTO v_day.available_shares, v_day.last_won, v_day.quote_date, v_day.lower_won, v_day.upper_won, v_day.settles_on, v_day.sell_tax_rate,
                    v_day.tick_won, v_day.high_tick_from_won, v_day.high_tick_won
                FROM stock_inventory AS i WHERE i.symbol = p_symbol;
                IF v_met.collects THEN
                    SELECT count(*) > 0 INTO v_met.self
                    FROM orders AS o JOIN accounts AS a ON a.account_id = o.account_id
                    WHERE o.symbol = p_symbol AND a.user_id = v_read.user_id
                        AND ((v_buys AND o.side = 'sell' AND o.resting_won <= p_limit_won) OR (NOT v_buys AND o.side = 'buy' AND o.resting_won >= p_limit_won));
                END IF;
            END;
        END IF;
    END IF;
    IF v_read.same_key IS NOT NULL OR v_day.quote_date IS NULL OR v_read.user_id IS NULL
        OR (p_quantity > v_read.listed_shares AND v_read.stock_status <> 'delisted') THEN  -- all of these may have been paid out
        IF v_read.same_key IS NOT NULL THEN
            CALL replay_order(v_read.same_key, p_symbol, p_side, p_kind, p_limit_won, p_quantity, p_portfolio_id, p_condition_id, p_prediction_id,
                o_answer.status, o_answer.reason, o_answer.order_id, o_answer.filled_quantity, o_answer.filled_value_won, o_answer.fee_won,
                o_answer.tax_won, o_answer.replayed);
        ELSEIF v_day.quote_date IS NULL THEN
            SET o_answer.reason = 'unknown_symbol';
        ELSEIF v_read.user_id IS NULL THEN
            SET o_answer.reason = 'unknown_account';
        ELSE
            SET o_answer.reason = 'bad_quantity';
        END IF;
        IF NOT p_joins THEN
            COMMIT;
        END IF;
        LEAVE main;
    END IF;
    -- The row of the issue tells the steps within the limits of its day.
    IF v_day.tick_won IS NULL OR p_limit_won NOT BETWEEN v_day.lower_won AND v_day.upper_won THEN
        SET v_day.tick_won = NULL;
        SELECT t.tick_won INTO v_day.tick_won FROM tick_sizes AS t
        WHERE t.market = v_read.market AND t.valid_from <= v_date AND t.price_from_won <= coalesce(p_limit_won, 1)
        ORDER BY t.valid_from DESC, t.price_from_won DESC LIMIT 1;
    ELSEIF p_limit_won >= v_day.high_tick_from_won THEN
        SET v_day.tick_won = v_day.high_tick_won;
    END IF;
    IF NOT v_buys THEN
        SELECT p.quantity - p.reserved_quantity INTO v_available FROM positions AS p WHERE p.account_id = p_account_id AND p.symbol = p_symbol;
    END IF;
    SET o_answer.reason = CASE
        WHEN v_read.account_status <> 'active' THEN 'account_inactive'
        WHEN v_read.stock_status = 'delisted' THEN 'delisted'
        WHEN v_read.stock_status = 'halted' THEN 'halted'
        WHEN NOT v_day.is_open OR v_date < v_day.quote_date OR v_day.tick_won IS NULL OR v_rate IS NULL THEN 'closed_session'
        WHEN v_met.collects AND p_limit_won IS NULL THEN 'limit_only'
        WHEN p_limit_won % v_day.tick_won <> 0 THEN 'off_tick'
        WHEN p_limit_won < v_day.lower_won OR p_limit_won > v_day.upper_won THEN 'outside_price_limit'
        WHEN NOT v_buys AND coalesce(v_available, 0) < p_quantity THEN 'insufficient_shares'
    END;

    IF o_answer.reason IS NULL AND NOT v_met.collects THEN
        -- What the order would meet. The best price says of most orders that it is nothing.
        IF v_buys THEN
            SELECT min(o.resting_won), coalesce(p_limit_won, v_day.upper_won) INTO v_met.from_won, v_met.to_won
            FROM orders AS o WHERE o.symbol = v_day.symbol AND o.side = 'sell';
        ELSE
            SELECT max(o.resting_won), coalesce(p_limit_won, v_day.lower_won) INTO v_met.to_won, v_met.from_won
            FROM orders AS o WHERE o.symbol = v_day.symbol AND o.side = 'buy';
        END IF;
        IF v_met.from_won <= v_met.to_won THEN
            BEGIN
                DECLARE v_done BOOLEAN DEFAULT FALSE;
                DECLARE v_quantity, v_value, v_ignored BIGINT;
                -- A cursor is a copy made when it opens: no more than one row a share.
                DECLARE c_sells CURSOR FOR
                    SELECT o.order_id, o.account_id, o.resting_won, o.quantity - o.filled_quantity, o.reserved_won, a.user_id, a.tax_exempt, NULL
                    FROM orders AS o FORCE INDEX (orders_book_ix) STRAIGHT_JOIN accounts AS a ON a.account_id = o.account_id
                    WHERE o.symbol = p_symbol AND o.side = 'sell' AND o.resting_won <= v_met.to_won
                    ORDER BY o.resting_won, o.order_id LIMIT p_quantity;
                DECLARE c_buys CURSOR FOR
                    SELECT o.order_id, o.account_id, o.resting_won, o.quantity - o.filled_quantity, o.reserved_won, a.user_id, a.tax_exempt, NULL
                    FROM orders AS o FORCE INDEX (orders_book_ix) STRAIGHT_JOIN accounts AS a ON a.account_id = o.account_id
                    WHERE o.symbol = p_symbol AND o.side = 'buy' AND o.resting_won >= v_met.from_won
                    ORDER BY o.resting_won DESC, o.order_id LIMIT p_quantity;
                DECLARE CONTINUE HANDLER FOR NOT FOUND SET v_done = TRUE;
                -- Often the first of them is enough. It is found at the end of an index, for less than a cursor costs.
                IF v_buys THEN
                    SELECT min(o.order_id) INTO v_maker.order_id
                    FROM orders AS o WHERE o.symbol = v_day.symbol AND o.side = 'sell' AND o.resting_won = v_met.from_won;
                ELSE
                    SELECT min(o.order_id) INTO v_maker.order_id
                    FROM orders AS o WHERE o.symbol = v_day.symbol AND o.side = 'buy' AND o.resting_won = v_met.to_won;
                END IF;
                SELECT
                    o.order_id, o.account_id, o.resting_won, o.quantity - o.filled_quantity, o.reserved_won, a.user_id, a.tax_exempt,
                    (SELECT f.commission_rate FROM fee_schedules AS f
                        WHERE f.broker_id = a.broker_id AND f.valid_from <= v_date ORDER BY f.valid_from DESC LIMIT 1)
                INTO v_maker
                FROM orders AS o JOIN accounts AS a ON a.account_id = o.account_id
                WHERE o.order_id = v_maker.order_id;
                -- Where it is not, there is often no other, and to ask costs less than the two cursors that others need.
                IF v_maker.remaining < p_quantity THEN
                    SELECT o.order_id INTO v_ignored
                    FROM orders AS o FORCE INDEX (orders_book_ix)
                    WHERE o.symbol = v_day.symbol AND o.side = CASE WHEN v_buys THEN 'sell' ELSE 'buy' END
                        AND o.resting_won BETWEEN v_met.from_won AND v_met.to_won AND o.order_id <> v_maker.order_id
                    LIMIT 1;
                    SET v_met.several = NOT v_done;
                END IF;
                IF v_met.several AND v_buys THEN
                    OPEN c_sells;
                    FETCH c_sells INTO v_maker;
                ELSEIF v_met.several THEN
                    OPEN c_buys;
                    FETCH c_buys INTO v_maker;
                END IF;
                REPEAT
                    SET v_quantity = least(v_sum.rest, v_maker.remaining), v_value = v_maker.price_won * v_quantity;
                    SET v_met.makers = v_met.makers + 1, v_met.self = v_met.self OR v_maker.user_id = v_read.user_id, v_day.last_won = v_maker.price_won;
                    SET v_sum = ROW(v_sum.rest - v_quantity, v_sum.value + v_value, v_sum.fee + floor(v_value * v_rate),
                        v_sum.tax + CASE WHEN v_buys OR v_read.tax_exempt THEN 0 ELSE floor(v_value * v_day.sell_tax_rate) END, 0, 0);
                    IF v_sum.rest = 0 OR NOT v_met.several THEN
                        SET v_done = TRUE;
                    ELSEIF v_buys THEN
                        FETCH c_sells INTO v_maker;
                    ELSE
                        FETCH c_buys INTO v_maker;
                    END IF;
                UNTIL v_done END REPEAT;
                IF v_buys THEN
                    SET v_met.to_won = v_day.last_won;
                ELSE
                    SET v_met.from_won = v_day.last_won;
                END IF;
                IF v_met.makers = 1 AND NOT p_batch THEN
                    SELECT a.user_id INTO v_ignored FROM accounts AS a WHERE a.account_id = least(p_account_id, v_maker.account_id) FOR UPDATE;
                    SELECT a.user_id INTO v_ignored FROM accounts AS a WHERE a.account_id = greatest(p_account_id, v_maker.account_id) FOR UPDATE;
                ELSEIF NOT p_batch THEN
                    FOR r IN (
                        SELECT o.account_id
                        FROM orders AS o FORCE INDEX (orders_book_ix)
                        WHERE o.symbol = p_symbol AND o.side = CASE WHEN v_buys THEN 'sell' ELSE 'buy' END
                            AND o.resting_won BETWEEN v_met.from_won AND v_met.to_won
                            AND (o.resting_won <> v_day.last_won OR o.order_id <= v_maker.order_id)
                        UNION
                        SELECT p_account_id
                        ORDER BY account_id
                    ) DO
                        SELECT a.user_id INTO v_ignored FROM accounts AS a WHERE a.account_id = r.account_id FOR UPDATE;
                    END FOR;
                END IF;
            END;
        END IF;
        IF v_sum.rest > 0 AND (p_limit_won IS NULL OR CASE WHEN v_buys THEN v_day.last_won <= p_limit_won ELSE v_day.last_won >= p_limit_won END) THEN
            SET v_house.quantity = CASE WHEN v_buys THEN least(v_sum.rest, v_day.available_shares) ELSE v_sum.rest END;
            SET v_house.value = v_day.last_won * v_house.quantity;
            SET v_house.fee = floor(v_house.value * v_rate);
            IF NOT (v_buys OR v_read.tax_exempt) THEN
                SET v_house.tax = floor(v_house.value * v_day.sell_tax_rate);
            END IF;
            SET v_sum = ROW(v_sum.rest - v_house.quantity, v_sum.value + v_house.value, v_sum.fee + v_house.fee, v_sum.tax + v_house.tax, 0, 0);
        END IF;
    END IF;

    SET o_answer.order_id = NEXTVAL(event_ids);
    IF o_answer.reason IS NULL THEN
        -- The account pays before the order is written: a foreign key locks its row, too, but lets others do the same.
        IF v_buys THEN
            SET v_sum.needed = CASE
                WHEN p_limit_won IS NULL THEN v_sum.value + v_sum.fee ELSE p_limit_won * p_quantity + floor(p_limit_won * p_quantity * v_rate)
            END;
            IF v_sum.rest > 0 AND p_limit_won IS NOT NULL THEN
                SET v_sum.reserve = p_limit_won * v_sum.rest + floor(p_limit_won * v_sum.rest * v_rate);
            END IF;
            IF v_sum.needed > 0 AND NOT v_met.self THEN
                UPDATE accounts SET cash_won = cash_won - v_sum.value - v_sum.fee, reserved_won = reserved_won + v_sum.reserve
                WHERE account_id = p_account_id AND cash_won - reserved_won >= v_sum.needed;
                IF row_count() = 0 THEN
                    SET o_answer.reason = 'insufficient_cash';
                END IF;
            ELSEIF v_met.self THEN
                SELECT CASE WHEN p_limit_won IS NOT NULL AND v_sum.needed > a.cash_won - a.reserved_won THEN 'insufficient_cash' ELSE 'self_match' END
                INTO o_answer.reason FROM accounts AS a WHERE a.account_id = p_account_id;
            END IF;
        ELSEIF v_met.self THEN
            SET o_answer.reason = 'self_match';
        ELSEIF v_sum.value > 0 THEN
            UPDATE accounts SET cash_won = cash_won + v_sum.value - v_sum.fee - v_sum.tax WHERE account_id = p_account_id;
        END IF;
        -- Numbers are drawn for what is to be traded, and for a market order before its cash is asked for.
        IF v_sum.value > 0 AND (o_answer.reason IS NULL OR (p_limit_won IS NULL AND o_answer.reason = 'insufficient_cash')) THEN
            IF v_met.makers > 0 THEN
                FOR n IN 1 .. v_met.makers DO
                    SET v_met.last_event = NEXTVAL(event_ids), v_met.events = concat_ws(',', v_met.events, v_met.last_event);
                END FOR;
            END IF;
            IF v_house.quantity > 0 THEN
                SET v_met.last_event = NEXTVAL(event_ids);
            END IF;
        END IF;
    END IF;

    IF o_answer.reason IS NOT NULL THEN
        SET v_met.closed_event = o_answer.order_id, v_sum = ROW(p_quantity, 0, 0, 0, 0, 0);
        SET o_answer.filled_quantity = 0, o_answer.filled_value_won = 0, o_answer.fee_won = 0, o_answer.tax_won = 0;
    ELSEIF v_sum.rest = 0 THEN
        SET v_met.closed_event = v_met.last_event, o_answer = ROW('filled', NULL, o_answer.order_id, p_quantity, v_sum.value, v_sum.fee, v_sum.tax, FALSE);
    ELSEIF p_limit_won IS NOT NULL THEN
        SET o_answer = ROW('open', NULL, o_answer.order_id, p_quantity - v_sum.rest, v_sum.value, v_sum.fee, v_sum.tax, FALSE);
    ELSE
        SET v_met.closed_event = coalesce(v_met.last_event, o_answer.order_id);
        SET o_answer = ROW('cancelled', 'no_liquidity', o_answer.order_id, p_quantity - v_sum.rest, v_sum.value, v_sum.fee, v_sum.tax, FALSE);
    END IF;
    BEGIN
        -- The same key at the same moment for another issue, or a prediction that the foreign key refuses: nothing else has
        -- been written yet.
        DECLARE EXIT HANDLER FOR 1062, 1452
        BEGIN
            DECLARE v_code INT;
            GET DIAGNOSTICS CONDITION 1 v_code = MYSQL_ERRNO;
            ROLLBACK;
            IF v_code = 1452 THEN
                CALL refuse_quarantined(p_prediction_id);
                RESIGNAL;
            END IF;
            SET o_answer = ROW('rejected', 'key_reused', NULL, NULL, NULL, NULL, NULL, FALSE);
        END;
        INSERT INTO orders (order_id, account_id, idempotency_key, symbol, side, kind, limit_won, quantity, filled_quantity, reserved_won,
            status, reason, portfolio_id, condition_id, prediction_id, business_date, placed_at, closed_event_id)
        VALUES (o_answer.order_id, p_account_id, p_key, p_symbol, p_side, p_kind, p_limit_won, p_quantity, o_answer.filled_quantity, v_sum.reserve,
            o_answer.status, o_answer.reason, p_portfolio_id, p_condition_id, p_prediction_id, v_date, v_at, v_met.closed_event);
    END;
    IF o_answer.order_id IS NULL THEN
        LEAVE main;
    END IF;
    IF NOT p_batch THEN
        SET v_detail = concat_ws(' ', p_side, p_kind, p_symbol, p_quantity, 'at', coalesce(p_limit_won, 'market'), o_answer.status,
            CASE WHEN o_answer.status = 'rejected' THEN o_answer.reason ELSE concat_ws(' ', 'filled', o_answer.filled_quantity, 'for', v_sum.value) END);
        INSERT INTO audit_log (audit_id, business_date, user_id, action, entity, entity_id, detail)
        VALUES (o_answer.order_id, v_date, v_read.user_id, 'place', 'order', o_answer.order_id, v_detail);
    END IF;

    IF v_sum.value > 0 AND v_met.makers > 0 THEN
        BEGIN
            DECLARE v_unmet BIGINT DEFAULT p_quantity;
            DECLARE m ROW(event BIGINT, quantity BIGINT, value BIGINT, fee BIGINT, tax BIGINT, their_fee BIGINT, their_tax BIGINT, left_over BIGINT, reserve BIGINT,
                won BIGINT, their_won BIGINT, shares BIGINT);
            DECLARE c_makers CURSOR FOR
                SELECT o.order_id, o.account_id, o.resting_won, o.quantity - o.filled_quantity, o.reserved_won, a.user_id, a.tax_exempt,
                    (SELECT f.commission_rate FROM fee_schedules AS f
                        WHERE f.broker_id = a.broker_id AND f.valid_from <= v_date ORDER BY f.valid_from DESC LIMIT 1)
                FROM orders AS o FORCE INDEX (orders_book_ix) STRAIGHT_JOIN accounts AS a ON a.account_id = o.account_id
                WHERE o.symbol = p_symbol AND o.side = CASE WHEN v_buys THEN 'sell' ELSE 'buy' END
                    AND o.resting_won BETWEEN v_met.from_won AND v_met.to_won
                ORDER BY CASE WHEN v_buys THEN o.resting_won ELSE -o.resting_won END, o.order_id LIMIT v_met.makers;
            IF v_met.several THEN
                OPEN c_makers;
            END IF;
            FOR n IN 1 .. v_met.makers DO
                IF v_met.several THEN
                    FETCH c_makers INTO v_maker;
                END IF;
                SET m.event = substring_index(substring_index(v_met.events, ',', n), ',', -1);
                SET m.quantity = least(v_unmet, v_maker.remaining), v_unmet = v_unmet - m.quantity, m.left_over = v_maker.remaining - m.quantity;
                SET m.value = v_maker.price_won * m.quantity, m.fee = floor(m.value * v_rate), m.their_fee = floor(m.value * v_maker.rate);
                IF v_buys THEN
                    SET m.tax = 0, m.their_tax = CASE WHEN v_maker.tax_exempt THEN 0 ELSE floor(m.value * v_day.sell_tax_rate) END, m.reserve = 0;
                    SET m.won = -m.value - m.fee, m.their_won = m.value - m.their_fee - m.their_tax, m.shares = m.quantity;
                    INSERT INTO trades (trade_id, symbol, buy_order_id, sell_order_id, taker_side, price_won, quantity,
                        buy_fee_won, sell_fee_won, sell_tax_won, business_date, settles_on, traded_at)
                    VALUES (m.event, p_symbol, o_answer.order_id, v_maker.order_id, 'buy', v_maker.price_won, m.quantity,
                        m.fee, m.their_fee, m.their_tax, v_date, v_day.settles_on, v_at);
                    -- MariaDB assigns from left to right: the cost is cut by the quantity before it changes.
                    UPDATE positions FORCE INDEX (PRIMARY) SET
                        cost_won = cost_won - CAST(cost_won AS DECIMAL(38, 0)) * m.quantity DIV quantity,
                        quantity = quantity - m.quantity,
                        reserved_quantity = reserved_quantity - m.quantity
                    WHERE account_id = v_maker.account_id AND symbol = p_symbol;
                ELSE
                    SET m.tax = CASE WHEN v_read.tax_exempt THEN 0 ELSE floor(m.value * v_day.sell_tax_rate) END, m.their_tax = 0;
                    SET m.reserve = v_maker.price_won * m.left_over + floor(v_maker.price_won * m.left_over * v_maker.rate);
                    SET m.won = m.value - m.fee - m.tax, m.their_won = -m.value - m.their_fee, m.shares = -m.quantity;
                    INSERT INTO trades (trade_id, symbol, buy_order_id, sell_order_id, taker_side, price_won, quantity,
                        buy_fee_won, sell_fee_won, sell_tax_won, business_date, settles_on, traded_at)
                    VALUES (m.event, p_symbol, v_maker.order_id, o_answer.order_id, 'sell', v_maker.price_won, m.quantity,
                        m.their_fee, m.fee, m.tax, v_date, v_day.settles_on, v_at);
                    INSERT INTO positions (account_id, symbol, quantity, cost_won) VALUES (v_maker.account_id, p_symbol, m.quantity, m.value)
                    ON DUPLICATE KEY UPDATE quantity = quantity + m.quantity, cost_won = cost_won + m.value;
                END IF;
                IF NOT p_batch THEN
                    SET m.fee = m.fee + m.their_fee, m.tax = m.tax + m.their_tax;
                    IF m.fee > 0 AND m.tax > 0 THEN
                        INSERT INTO journal_entries (journal_id, leg, business_date, account_id, asset, amount, kind) VALUES
                        (m.event, 1, v_date, p_account_id, 'KRW', m.won, 'trade'), (m.event, 2, v_date, v_maker.account_id, 'KRW', m.their_won, 'trade'),
                        (m.event, 3, v_date, p_account_id, p_symbol, m.shares, 'trade'), (m.event, 4, v_date, v_maker.account_id, p_symbol, -m.shares, 'trade'),
                        (m.event, 5, v_date, 2, 'KRW', m.fee, 'fee'), (m.event, 6, v_date, 3, 'KRW', m.tax, 'tax');
                    ELSE
                        CALL write_journal(m.event, v_date, p_account_id, v_maker.account_id, p_symbol, m.won, m.their_won, m.shares, m.fee, m.tax);
                    END IF;
                END IF;
                UPDATE orders SET
                    filled_quantity = filled_quantity + m.quantity,
                    reserved_won = m.reserve,
                    status = CASE WHEN m.left_over = 0 THEN 'filled' ELSE 'open' END,
                    closed_event_id = CASE WHEN m.left_over = 0 THEN m.event END
                WHERE order_id = v_maker.order_id;
                UPDATE accounts SET cash_won = cash_won + m.their_won, reserved_won = reserved_won - v_maker.released_won + m.reserve
                WHERE account_id = v_maker.account_id;
            END FOR;
        END;
    END IF;
    -- The house pays neither fee nor tax. positions is pinned to its key: an UPDATE weighs every index that names a column of its WHERE.
    IF v_sum.value > 0 AND v_buys THEN
        IF v_house.quantity > 0 THEN
            INSERT INTO trades (trade_id, symbol, buy_order_id, sell_order_id, taker_side, price_won, quantity,
                buy_fee_won, sell_fee_won, sell_tax_won, business_date, settles_on, traded_at)
            VALUES (v_met.last_event, p_symbol, o_answer.order_id, NULL, 'buy', v_day.last_won, v_house.quantity,
                v_house.fee, 0, 0, v_date, v_day.settles_on, v_at);
            IF v_house.fee > 0 AND NOT p_batch THEN
                INSERT INTO journal_entries (journal_id, leg, business_date, account_id, asset, amount, kind) VALUES
                (v_met.last_event, 1, v_date, p_account_id, 'KRW', -v_house.value - v_house.fee, 'trade'),
                (v_met.last_event, 2, v_date, 1, 'KRW', v_house.value, 'trade'),
                (v_met.last_event, 3, v_date, p_account_id, p_symbol, v_house.quantity, 'trade'),
                (v_met.last_event, 4, v_date, 1, p_symbol, -v_house.quantity, 'trade'),
                (v_met.last_event, 5, v_date, 2, 'KRW', v_house.fee, 'fee');
            ELSEIF NOT p_batch THEN
                CALL write_journal(v_met.last_event, v_date, p_account_id, 1, p_symbol, -v_house.value - v_house.fee, v_house.value,
                    v_house.quantity, v_house.fee, 0);
            END IF;
        END IF;
        UPDATE stock_inventory SET available_shares = available_shares - v_house.quantity, last_won = v_day.last_won WHERE symbol = p_symbol;
        INSERT INTO positions (account_id, symbol, quantity, cost_won) VALUES (p_account_id, p_symbol, o_answer.filled_quantity, v_sum.value)
        ON DUPLICATE KEY UPDATE quantity = quantity + o_answer.filled_quantity, cost_won = cost_won + v_sum.value;
    ELSEIF v_sum.value > 0 THEN
        IF v_house.quantity > 0 THEN
            INSERT INTO trades (trade_id, symbol, buy_order_id, sell_order_id, taker_side, price_won, quantity,
                buy_fee_won, sell_fee_won, sell_tax_won, business_date, settles_on, traded_at)
            VALUES (v_met.last_event, p_symbol, NULL, o_answer.order_id, 'sell', v_day.last_won, v_house.quantity,
                0, v_house.fee, v_house.tax, v_date, v_day.settles_on, v_at);
            IF v_house.fee > 0 AND v_house.tax > 0 AND NOT p_batch THEN
                INSERT INTO journal_entries (journal_id, leg, business_date, account_id, asset, amount, kind) VALUES
                (v_met.last_event, 1, v_date, p_account_id, 'KRW', v_house.value - v_house.fee - v_house.tax, 'trade'),
                (v_met.last_event, 2, v_date, 1, 'KRW', -v_house.value, 'trade'),
                (v_met.last_event, 3, v_date, p_account_id, p_symbol, -v_house.quantity, 'trade'),
                (v_met.last_event, 4, v_date, 1, p_symbol, v_house.quantity, 'trade'),
                (v_met.last_event, 5, v_date, 2, 'KRW', v_house.fee, 'fee'),
                (v_met.last_event, 6, v_date, 3, 'KRW', v_house.tax, 'tax');
            ELSEIF NOT p_batch THEN
                CALL write_journal(v_met.last_event, v_date, p_account_id, 1, p_symbol, v_house.value - v_house.fee - v_house.tax, -v_house.value,
                    -v_house.quantity, v_house.fee, v_house.tax);
            END IF;
        END IF;
        UPDATE stock_inventory SET available_shares = available_shares + v_house.quantity, last_won = v_day.last_won WHERE symbol = p_symbol;
        UPDATE positions FORCE INDEX (PRIMARY) SET
            cost_won = cost_won - CAST(cost_won AS DECIMAL(38, 0)) * o_answer.filled_quantity DIV quantity,
            quantity = quantity - o_answer.filled_quantity,
            reserved_quantity = reserved_quantity + v_sum.rest
        WHERE account_id = p_account_id AND symbol = p_symbol;
    ELSEIF NOT v_buys AND o_answer.status = 'open' THEN
        UPDATE positions FORCE INDEX (PRIMARY) SET reserved_quantity = reserved_quantity + p_quantity
        WHERE account_id = p_account_id AND symbol = p_symbol;
    END IF;
    IF NOT p_joins THEN
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
    DECLARE v_answer ROW(
        status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, reason VARCHAR(24) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
        order_id BIGINT, filled_quantity BIGINT, filled_value_won BIGINT, fee_won BIGINT, tax_won BIGINT, replayed BOOLEAN
    );
    CALL execute_order(p_key, p_account_id, p_symbol, p_side, p_kind, p_limit_won, p_quantity, p_business_date, p_at,
        p_portfolio_id, p_condition_id, p_prediction_id, FALSE, FALSE, v_answer);
    SET o_status = v_answer.status, o_reason = v_answer.reason, o_order_id = v_answer.order_id, o_filled_quantity = v_answer.filled_quantity;
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
        p_portfolio_id, p_condition_id, p_prediction_id, FALSE, FALSE, v_answer);
    SELECT v_answer.status AS status, v_answer.reason AS reason, v_answer.order_id AS order_id, v_answer.filled_quantity AS filled_quantity,
        v_answer.filled_value_won AS filled_value_won, v_answer.fee_won AS fee_won, v_answer.tax_won AS tax_won, v_answer.replayed AS replayed;
END;
