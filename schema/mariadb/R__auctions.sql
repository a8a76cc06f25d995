-- requires: R__market.sql
-- Call auctions: orders rest until the auction is uncrossed, at the one price at which most can be traded.
--
-- An issue in an auction says so in the row that every order locks first, so an order of continuous trading learns that there
-- is none without a statement of its own. Whoever comes first after the end uncrosses: an order, the day's end, or `uncross`.
-- The house stays out: it names no price, so it has no place among orders that make one.
--
-- The single price: the most shares; of several, the least left over; of several, the nearest to the last price; of two that
-- are as near, the higher. Shares go to the better price first, then to the earlier order.

CREATE OR REPLACE PROCEDURE find_auction_session(
    IN p_market VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, IN p_date DATE, IN p_at DATETIME(6),
    OUT o_kind VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, OUT o_started_at DATETIME(6), OUT o_ends_at DATETIME(6)
)
COMMENT 'The call auction that the calendar has at the instant; NULL for none'
BEGIN
    DECLARE v_opens_at, v_collects_from, v_collects_to TIME;
    SET o_kind = NULL, o_started_at = NULL, o_ends_at = NULL;
    IF is_business_day(p_market, p_date) AND date(p_at + INTERVAL 9 HOUR) = p_date THEN
        SELECT CASE WHEN count(*) = 1 THEN min(s.opens_at) END INTO v_opens_at
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
            );
        -- On a day that opens late its auction lasts until then. INTO sets one variable after the other, each before the next
        -- column is computed: what is read here is not written here.
        SELECT
            CASE WHEN s.closes_at <= v_opens_at THEN 'opening' ELSE 'closing' END, s.opens_at,
            CASE WHEN s.closes_at <= v_opens_at THEN v_opens_at ELSE s.closes_at END
        INTO o_kind, v_collects_from, v_collects_to
        FROM market_sessions AS s
        WHERE
            s.market = p_market
            AND s.matching = 'auction'
            AND v_opens_at IS NOT NULL
            AND s.valid_from = (
                SELECT max(n.valid_from)
                FROM market_sessions AS n
                WHERE
                    n.market = s.market AND n.session = s.session AND n.valid_from <= p_date
                    AND (n.valid_to IS NULL OR n.valid_to >= p_date)
            )
            AND time(p_at + INTERVAL 9 HOUR) >= s.opens_at
            AND time(p_at + INTERVAL 9 HOUR) < CASE WHEN s.closes_at <= v_opens_at THEN v_opens_at ELSE s.closes_at END
        LIMIT 1;
        IF o_kind IS NOT NULL THEN
            SET o_started_at = timestamp(p_date, v_collects_from) - INTERVAL 9 HOUR;
            SET o_ends_at = timestamp(p_date, v_collects_to) - INTERVAL 9 HOUR;
        END IF;
    END IF;
END;

CREATE OR REPLACE FUNCTION auction_open(
    p_market VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, p_date DATE, p_at DATETIME(6)
)
RETURNS BOOLEAN READS SQL DATA
COMMENT 'True where the calendar has a call auction at the instant'
BEGIN
    DECLARE v_kind VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
    DECLARE v_started_at, v_ends_at DATETIME(6);
    CALL find_auction_session(p_market, p_date, p_at, v_kind, v_started_at, v_ends_at);
    RETURN v_kind IS NOT NULL;
END;

CREATE OR REPLACE PROCEDURE expire_orders(IN p_symbol VARCHAR(6) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, IN p_date DATE)
COMMENT 'Ends the orders of an issue that rest; needs the symbol and their owners locked'
BEGIN
    DECLARE v_event BIGINT;
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
END;

CREATE OR REPLACE PROCEDURE find_single_price(
    IN p_symbol VARCHAR(6) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, OUT o_price_won BIGINT, OUT o_volume BIGINT
)
COMMENT 'The price at which most shares of an issue can be traded, and how many; NULL where its book is not crossed'
BEGIN
    DECLARE v_market VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
    DECLARE v_date DATE;
    DECLARE v_last_won, v_from_won, v_to_won BIGINT;
    SET o_price_won = NULL, o_volume = NULL;
    SELECT k.market, i.quote_date, i.last_won INTO v_market, v_date, v_last_won
    FROM stock_inventory AS i JOIN stocks AS k ON k.symbol = i.symbol WHERE i.symbol = p_symbol;
    SELECT min(o.resting_won) INTO v_from_won FROM orders AS o WHERE o.symbol = p_symbol AND o.side = 'sell';
    SELECT max(o.resting_won) INTO v_to_won FROM orders AS o WHERE o.symbol = p_symbol AND o.side = 'buy';
    IF v_from_won <= v_to_won THEN
        -- Between two limits nothing changes: each price there is as good as the one that is nearest to the last price, which is
        -- beside one of the limits, or is the last price itself.
        WITH book AS (
            SELECT o.side, o.resting_won AS limit_won, sum(o.quantity - o.filled_quantity) AS shares
            FROM orders AS o
            WHERE o.symbol = p_symbol AND o.side IN ('buy', 'sell') AND o.resting_won BETWEEN v_from_won AND v_to_won
            GROUP BY o.side, o.resting_won
        ),
        near AS (
            SELECT b.limit_won FROM book AS b
            UNION
            SELECT v_last_won - v_last_won % tick_won(v_market, v_date, v_last_won)
        ),
        candidate AS (
            SELECT n.limit_won AS price_won FROM near AS n
            UNION
            SELECT n.limit_won + tick_won(v_market, v_date, n.limit_won) FROM near AS n
            UNION
            SELECT n.limit_won - tick_won(v_market, v_date, n.limit_won - 1) FROM near AS n
        ),
        traded AS (
            SELECT
                c.price_won,
                sum(CASE WHEN b.side = 'buy' AND b.limit_won >= c.price_won THEN b.shares ELSE 0 END) AS asked,
                sum(CASE WHEN b.side = 'sell' AND b.limit_won <= c.price_won THEN b.shares ELSE 0 END) AS offered
            FROM candidate AS c CROSS JOIN book AS b
            WHERE c.price_won BETWEEN v_from_won AND v_to_won
            GROUP BY c.price_won
        )
        SELECT t.price_won, least(t.asked, t.offered) INTO o_price_won, o_volume
        FROM traded AS t
        WHERE least(t.asked, t.offered) > 0
        ORDER BY least(t.asked, t.offered) DESC, abs(t.asked - t.offered), abs(t.price_won - v_last_won), t.price_won DESC
        LIMIT 1;
    END IF;
END;

CREATE OR REPLACE PROCEDURE uncross_issue(IN p_symbol VARCHAR(6) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin)
COMMENT 'Ends the call auction of an issue: trades at the single price, and after a closing auction the rest expires. Needs the symbol and the owners of its resting orders locked'
BEGIN
    DECLARE v_kind VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
    DECLARE v_ends_at DATETIME(6);
    DECLARE v_date, v_settles_on DATE;
    DECLARE v_tax_rate DECIMAL(9, 8);
    DECLARE v_is_listed, v_buys BOOLEAN;
    DECLARE v_auction, v_last_won, v_end, v_price, v_volume, v_event, v_value, v_buy_fee, v_sell_fee, v_tax, v_released, v_reserve BIGINT;
    SELECT a.auction_id, a.kind, a.ends_at, i.quote_date, i.last_won, i.settles_on, i.sell_tax_rate, k.status = 'listed'
    INTO v_auction, v_kind, v_ends_at, v_date, v_last_won, v_settles_on, v_tax_rate, v_is_listed
    FROM stock_inventory AS i
    JOIN auctions AS a ON a.auction_id = i.auction_id
    JOIN stocks AS k ON k.symbol = i.symbol
    WHERE i.symbol = p_symbol;
    SET v_end = NEXTVAL(event_ids);
    IF v_is_listed THEN
        CALL find_single_price(p_symbol, v_price, v_volume);
    END IF;
    IF v_price IS NOT NULL THEN
        FOR t IN (
            WITH taking AS (
                SELECT
                    o.side, o.order_id, o.account_id, o.resting_won, o.quantity - o.filled_quantity AS remaining, c.tax_exempt,
                    (SELECT f.commission_rate FROM fee_schedules AS f
                        WHERE f.broker_id = c.broker_id AND f.valid_from <= v_date ORDER BY f.valid_from DESC LIMIT 1) AS rate,
                    sum(o.quantity - o.filled_quantity)
                        OVER (PARTITION BY o.side ORDER BY CASE o.side WHEN 'buy' THEN -o.resting_won ELSE o.resting_won END, o.order_id) AS upto
                FROM orders AS o
                JOIN accounts AS c ON c.account_id = o.account_id
                WHERE
                    o.symbol = p_symbol
                    AND ((o.side = 'buy' AND o.resting_won >= v_price) OR (o.side = 'sell' AND o.resting_won <= v_price))
            )
            SELECT
                b.order_id AS buy_order_id, b.account_id AS buyer_id, b.resting_won, b.rate AS buy_rate, b.upto - least(b.upto, s.upto) AS left_to_buy,
                s.order_id AS sell_order_id, s.account_id AS seller_id, s.rate AS sell_rate, s.tax_exempt, s.upto - least(b.upto, s.upto) AS left_to_sell,
                least(b.upto, s.upto) - greatest(b.upto - b.remaining, s.upto - s.remaining) AS shares
            FROM taking AS b
            JOIN taking AS s ON s.side = 'sell' AND s.upto - s.remaining < b.upto AND b.upto - b.remaining < s.upto
            WHERE b.side = 'buy'
            ORDER BY least(b.upto, s.upto)
        ) DO
            SET v_event = NEXTVAL(event_ids), v_buys = t.buy_order_id > t.sell_order_id, v_value = v_price * t.shares;
            SET v_buy_fee = floor(v_value * t.buy_rate), v_sell_fee = floor(v_value * t.sell_rate);
            SET v_tax = CASE WHEN t.tax_exempt THEN 0 ELSE floor(v_value * v_tax_rate) END;
            SET v_reserve = t.resting_won * t.left_to_buy + floor(t.resting_won * t.left_to_buy * t.buy_rate);
            SELECT o.reserved_won INTO v_released FROM orders AS o WHERE o.order_id = t.buy_order_id;
            UPDATE orders SET
                filled_quantity = filled_quantity + t.shares,
                reserved_won = v_reserve,
                status = CASE WHEN t.left_to_buy = 0 THEN 'filled' ELSE 'open' END,
                closed_event_id = CASE WHEN t.left_to_buy = 0 THEN v_event END
            WHERE order_id = t.buy_order_id;
            UPDATE orders SET
                filled_quantity = filled_quantity + t.shares,
                status = CASE WHEN t.left_to_sell = 0 THEN 'filled' ELSE 'open' END,
                closed_event_id = CASE WHEN t.left_to_sell = 0 THEN v_event END
            WHERE order_id = t.sell_order_id;
            INSERT INTO trades (trade_id, symbol, buy_order_id, sell_order_id, taker_side, price_won, quantity,
                buy_fee_won, sell_fee_won, sell_tax_won, business_date, settles_on, traded_at, auction_id)
            VALUES (v_event, p_symbol, t.buy_order_id, t.sell_order_id, CASE WHEN v_buys THEN 'buy' ELSE 'sell' END, v_price, t.shares,
                v_buy_fee, v_sell_fee, v_tax, v_date, v_settles_on, v_ends_at, v_auction);
            IF v_buys THEN
                CALL write_journal(v_event, v_date, t.buyer_id, t.seller_id, p_symbol, -v_value - v_buy_fee, v_value - v_sell_fee - v_tax,
                    t.shares, v_buy_fee + v_sell_fee, v_tax);
            ELSE
                CALL write_journal(v_event, v_date, t.seller_id, t.buyer_id, p_symbol, v_value - v_sell_fee - v_tax, -v_value - v_buy_fee,
                    -t.shares, v_buy_fee + v_sell_fee, v_tax);
            END IF;
            UPDATE accounts SET cash_won = cash_won - v_value - v_buy_fee, reserved_won = reserved_won - v_released + v_reserve
            WHERE account_id = t.buyer_id;
            UPDATE accounts SET cash_won = cash_won + v_value - v_sell_fee - v_tax WHERE account_id = t.seller_id;
            INSERT INTO positions (account_id, symbol, quantity, cost_won) VALUES (t.buyer_id, p_symbol, t.shares, v_value)
            ON DUPLICATE KEY UPDATE quantity = quantity + t.shares, cost_won = cost_won + v_value;
            -- MariaDB assigns from left to right: the cost is cut by the quantity before it changes.
            UPDATE positions FORCE INDEX (PRIMARY) SET
                cost_won = cost_won - CAST(cost_won AS DECIMAL(38, 0)) * t.shares DIV quantity,
                quantity = quantity - t.shares,
                reserved_quantity = reserved_quantity - t.shares
            WHERE account_id = t.seller_id AND symbol = p_symbol;
        END FOR;
    END IF;
    UPDATE auctions SET
        status = CASE WHEN v_is_listed THEN 'uncrossed' ELSE 'void' END,
        reference_won = v_last_won, price_won = v_price, volume = coalesce(v_volume, 0), uncrossed_event_id = v_end
    WHERE auction_id = v_auction;
    UPDATE stock_inventory SET auction_id = NULL, last_won = coalesce(v_price, last_won) WHERE symbol = p_symbol;
    INSERT INTO audit_log (audit_id, business_date, user_id, action, entity, entity_id, detail)
    VALUES (v_end, v_date, NULL, 'uncross', 'auction', v_auction,
        concat_ws(' ', v_kind, p_symbol, coalesce(v_volume, 0), 'at', coalesce(v_price, 'no price')));
    IF v_kind = 'closing' OR NOT v_is_listed THEN
        CALL expire_orders(p_symbol, v_date);
    END IF;
END;

CREATE OR REPLACE PROCEDURE advance_issue(
    IN p_symbol VARCHAR(6) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, IN p_account_id BIGINT, IN p_date DATE, IN p_at DATETIME(6),
    OUT o_state VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin
)
COMMENT 'What an order does that finds its issue out of continuous trading: opens its day, uncrosses its auction; then it is open, it collects (an auction runs), or NULL (the market is closed). Needs the symbol locked'
BEGIN
    DECLARE v_market VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
    DECLARE v_status, v_kind VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
    DECLARE v_started_at, v_ends_at, v_over_at DATETIME(6);
    DECLARE v_quote_date DATE;
    DECLARE v_is_open, v_opens BOOLEAN;
    DECLARE v_auction, v_ignored BIGINT;
    SET o_state = NULL;
    SELECT k.market, k.status, i.quote_date, i.auction_id, a.ends_at INTO v_market, v_status, v_quote_date, v_auction, v_over_at
    FROM stock_inventory AS i
    JOIN stocks AS k ON k.symbol = i.symbol
    LEFT JOIN auctions AS a ON a.auction_id = i.auction_id
    WHERE i.symbol = p_symbol;
    CALL find_auction_session(v_market, p_date, p_at, v_kind, v_started_at, v_ends_at);
    SET v_is_open = session_open(v_market, p_date, p_at);
    SET v_opens = v_quote_date < p_date AND (v_kind IS NOT NULL OR v_is_open);
    IF v_opens OR p_at >= v_over_at THEN
        FOR r IN (
            SELECT o.account_id FROM orders AS o WHERE o.symbol = p_symbol AND o.side IN ('buy', 'sell') AND o.resting_won >= 1
            UNION
            SELECT p_account_id
            ORDER BY account_id
        ) DO
            SELECT a.user_id INTO v_ignored FROM accounts AS a WHERE a.account_id = r.account_id FOR UPDATE;
        END FOR;
        IF v_opens THEN
            CALL open_day(p_symbol, p_date, p_at);
            SET v_quote_date = p_date;
        ELSE
            CALL uncross_issue(p_symbol);
        END IF;
        SET v_auction = NULL;
    END IF;
    IF v_quote_date = p_date AND date(p_at + INTERVAL 9 HOUR) = p_date THEN
        IF v_auction IS NOT NULL THEN
            SET o_state = 'collects';
        ELSEIF v_is_open THEN
            SET o_state = 'open';
        ELSEIF v_kind IS NOT NULL AND v_status = 'listed'
            AND NOT EXISTS (SELECT 1 FROM auctions AS a WHERE a.symbol = p_symbol AND a.business_date = p_date AND a.kind = v_kind)
        THEN
            SET v_auction = NEXTVAL(event_ids);
            INSERT INTO auctions (auction_id, symbol, business_date, kind, started_at, ends_at)
            VALUES (v_auction, p_symbol, p_date, v_kind, v_started_at, v_ends_at);
            UPDATE stock_inventory SET auction_id = v_auction WHERE symbol = p_symbol;
            SET o_state = 'collects';
        END IF;
    END IF;
END;

CREATE OR REPLACE PROCEDURE uncross(IN p_symbol VARCHAR(6) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, IN p_at DATETIME(6))
COMMENT 'Uncrosses the call auction of an issue, if it has one that is over; answers with what came of it'
BEGIN
    DECLARE v_auction, v_ignored BIGINT;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    START TRANSACTION;
    SELECT i.auction_id INTO v_auction FROM stock_inventory AS i WHERE i.symbol = p_symbol FOR UPDATE;
    SELECT min(a.auction_id) INTO v_auction FROM auctions AS a WHERE a.auction_id = v_auction AND a.ends_at <= coalesce(p_at, utc_timestamp(6));
    IF v_auction IS NOT NULL THEN
        FOR r IN (
            SELECT DISTINCT o.account_id FROM orders AS o WHERE o.symbol = p_symbol AND o.side IN ('buy', 'sell') AND o.resting_won >= 1
            ORDER BY o.account_id
        ) DO
            SELECT a.user_id INTO v_ignored FROM accounts AS a WHERE a.account_id = r.account_id FOR UPDATE;
        END FOR;
        CALL uncross_issue(p_symbol);
    END IF;
    COMMIT;
    SELECT a.auction_id, a.kind, a.price_won, a.volume FROM auctions AS a WHERE a.auction_id = v_auction;
END;

CREATE OR REPLACE PROCEDURE interrupt_issues(IN p_business_date DATE, IN p_at DATETIME(6))
COMMENT 'Sends the issues whose price moved too far into a call auction (volatility interruption); answers with them'
BEGIN
    DECLARE v_at DATETIME(6) DEFAULT coalesce(p_at, utc_timestamp(6));
    DECLARE v_date DATE DEFAULT coalesce(p_business_date, date(v_at + INTERVAL 9 HOUR));
    DECLARE v_auction, v_first, v_locked BIGINT;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;
    -- From the last single price of the day, or its base (static); from the trade before, where the last one was not in an
    -- auction (dynamic). Found without a lock; one transaction for each issue, and who trades on before it is locked is looked at
    -- the next time. Each limit has a loop: the calendar is asked once for it, and not for each issue.
    FOR l IN (
        SELECT c.market, c.kind, c.limit_bp, c.lasts_s
        FROM interruption_limits AS c
        WHERE
            c.valid_from = (SELECT max(n.valid_from) FROM interruption_limits AS n WHERE n.market = c.market AND n.kind = c.kind AND n.valid_from <= v_date)
            AND session_open(c.market, v_date, v_at)
            AND session_open(c.market, v_date, v_at + INTERVAL c.lasts_s - 1 SECOND)
        ORDER BY c.market, c.kind DESC
    ) DO
        FOR r IN (
            SELECT q.symbol, q.from_won, q.last_won
            FROM (
                SELECT
                    s.symbol, s.last_won,
                    CASE
                        WHEN l.kind = 'static' THEN coalesce(a.price_won, a.reference_won, s.base_won)
                        WHEN t.auction_id IS NULL AND t.trade_id > coalesce(a.uncrossed_event_id, 0) THEN coalesce(p.price_won, s.base_won)
                    END AS from_won
                FROM (
                    SELECT
                        i.symbol, i.last_won, i.base_won,
                        (SELECT max(u.auction_id) FROM auctions AS u
                            WHERE u.symbol = i.symbol AND u.business_date = v_date AND u.status = 'uncrossed') AS auction_id,
                        (SELECT max(t.trade_id) FROM trades AS t WHERE t.symbol = i.symbol) AS trade_id
                    FROM stock_inventory AS i
                    JOIN stocks AS k ON k.symbol = i.symbol
                    WHERE i.quote_date = v_date AND i.auction_id IS NULL AND k.status = 'listed' AND k.market = l.market
                ) AS s
                JOIN trades AS t ON t.trade_id = s.trade_id AND t.business_date = v_date
                LEFT JOIN auctions AS a ON a.auction_id = s.auction_id
                LEFT JOIN trades AS p
                    ON p.trade_id = (SELECT max(e.trade_id) FROM trades AS e WHERE e.symbol = s.symbol AND e.trade_id < s.trade_id)
                    AND p.business_date = v_date
            ) AS q
            WHERE abs(q.last_won - q.from_won) * 10000 >= l.limit_bp * q.from_won
            ORDER BY q.symbol
        ) DO
            SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
            START TRANSACTION;
            SELECT i.last_won INTO v_locked FROM stock_inventory AS i WHERE i.symbol = r.symbol FOR UPDATE;
            SELECT count(*) INTO v_locked FROM stock_inventory AS i WHERE i.symbol = r.symbol AND i.auction_id IS NULL AND i.last_won = r.last_won;
            IF v_locked = 1 THEN
                SET v_auction = NEXTVAL(event_ids), v_first = coalesce(v_first, v_auction);
                INSERT INTO auctions (auction_id, symbol, business_date, kind, started_at, ends_at)
                VALUES (v_auction, r.symbol, v_date, l.kind, v_at, v_at + INTERVAL l.lasts_s SECOND);
                UPDATE stock_inventory SET auction_id = v_auction WHERE symbol = r.symbol;
                INSERT INTO audit_log (audit_id, business_date, user_id, action, entity, entity_id, detail)
                VALUES (v_auction, v_date, NULL, 'interrupt', 'auction', v_auction,
                    concat_ws(' ', l.kind, r.symbol, 'from', r.from_won, 'to', r.last_won));
            END IF;
            COMMIT;
        END FOR;
    END FOR;
    SELECT a.auction_id, a.symbol, a.kind FROM auctions AS a
    WHERE a.auction_id BETWEEN v_first AND v_auction AND a.status = 'collecting' AND a.kind IN ('static', 'dynamic') AND a.started_at = v_at
    ORDER BY a.symbol;
END;
