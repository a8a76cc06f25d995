-- requires: R__place_order.sql
-- Many orders in one transaction: same rules, same books, one answer for each order.
--
-- All symbols are locked first, in order, then every account that any of the orders can touch, in order. Nobody else trades
-- these symbols meanwhile: keep to 1,000 orders.
--
-- Orders for different symbols touch each other only through the cash of an account. So the symbols whose buyers can pay for
-- all that they ask in the batch are taken in turns: the first order of each such symbol, then the second of each, and so on.
-- One turn writes each table once. What is left, where a turn would be too short to pay, where cash is tight, or where an order
-- meets two resting orders of one account, goes through execute_order one by one. Within a symbol the order is always the
-- array's. Journal and audit rows are written at the end: nothing reads them before.
--
-- The temporary tables are private to the session, and die with the call.

CREATE OR REPLACE PROCEDURE forget_batch()
COMMENT 'Drops the temporary tables of place_orders'
BEGIN
    DROP TEMPORARY TABLE IF EXISTS batch_lines, batch_symbols, batch_accounts, batch_orders, batch_fills, batch_done;
END;

CREATE OR REPLACE PROCEDURE judge_orders(IN p_orders LONGTEXT CHARACTER SET utf8mb4, IN p_date DATE, IN p_at DATETIME(6))
COMMENT 'Locks what the orders of a batch can touch, opens the day of their symbols, and says of each what can be said before anything is traded; for place_orders'
BEGIN
    DECLARE v_sell_won, v_buy_won, v_ignored BIGINT;
    -- A text that is too long is cut to one character too many, so that it stays wrong.
    CREATE OR REPLACE TEMPORARY TABLE batch_lines (
        position_no INT NOT NULL PRIMARY KEY, idempotency_key VARCHAR(65) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, account_id BIGINT, symbol VARCHAR(7) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, side VARCHAR(5) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, kind VARCHAR(7) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
        limit_won BIGINT, quantity BIGINT, portfolio_id BIGINT, condition_id BIGINT, prediction_id BIGINT
    ) ENGINE = MEMORY;
    CREATE OR REPLACE TEMPORARY TABLE batch_symbols (
        symbol VARCHAR(6) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL PRIMARY KEY, best_sell_won BIGINT, best_buy_won BIGINT
    ) ENGINE = MEMORY;
    CREATE OR REPLACE TEMPORARY TABLE batch_accounts (account_id BIGINT NOT NULL PRIMARY KEY) ENGINE = MEMORY;
    CREATE OR REPLACE TEMPORARY TABLE batch_orders (
        position_no INT NOT NULL PRIMARY KEY, turn INT, is_together BOOLEAN, idempotency_key VARCHAR(65) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, account_id BIGINT, symbol VARCHAR(7) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, side VARCHAR(5) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
        kind VARCHAR(7) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, limit_won BIGINT, quantity BIGINT, portfolio_id BIGINT, condition_id BIGINT, prediction_id BIGINT,
        user_id BIGINT, rate DECIMAL(9, 8), tax_exempt BOOLEAN, reason VARCHAR(24) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, is_recorded BOOLEAN, is_alone BOOLEAN,
        INDEX batch_orders_turn_ix (turn), INDEX batch_orders_symbol_ix (symbol)
    ) ENGINE = MEMORY;
    -- What an order of a turn meets, in order; order_id is NULL for the house, which comes last.
    CREATE OR REPLACE TEMPORARY TABLE batch_fills (
        position_no INT NOT NULL, fill_no INT NOT NULL, turn INT, event_id BIGINT, order_id BIGINT, account_id BIGINT, is_own BOOLEAN,
        price_won BIGINT, quantity BIGINT, left_over BIGINT, released_won BIGINT, fee_won BIGINT, tax_won BIGINT, their_fee_won BIGINT,
        their_tax_won BIGINT, their_reserve_won BIGINT,
        PRIMARY KEY (position_no, fill_no),
        INDEX batch_fills_turn_ix (turn), INDEX batch_fills_position_ix (position_no)
    ) ENGINE = MEMORY;
    CREATE OR REPLACE TEMPORARY TABLE batch_done (
        position_no INT NOT NULL PRIMARY KEY, turn INT, order_id BIGINT, status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, reason VARCHAR(24) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, filled_quantity BIGINT, house BIGINT,
        price_won BIGINT, value_won BIGINT, fee_won BIGINT, tax_won BIGINT, reserve_won BIGINT, settles_on DATE, is_replayed BOOLEAN,
        INDEX batch_done_turn_ix (turn)
    ) ENGINE = MEMORY;

    INSERT INTO batch_lines
    SELECT
        j.position_no, left(j.idempotency_key, 65), j.account_id, left(j.symbol, 7), left(j.side, 5), left(j.kind, 7), j.limit_won, j.quantity,
        j.portfolio_id, j.condition_id, j.prediction_id
    FROM JSON_TABLE(p_orders, '$[*]' COLUMNS (
        position_no FOR ORDINALITY,
        idempotency_key VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin PATH '$.key',
        account_id BIGINT PATH '$.account_id',
        symbol VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin PATH '$.symbol',
        side VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin PATH '$.side',
        kind VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin PATH '$.kind',
        limit_won BIGINT PATH '$.limit_won',
        quantity BIGINT PATH '$.quantity',
        portfolio_id BIGINT PATH '$.portfolio_id',
        condition_id BIGINT PATH '$.condition_id',
        prediction_id BIGINT PATH '$.prediction_id'
    )) AS j;

    -- The LIMIT keeps the order of the derived table, and STRAIGHT_JOIN the order of the locks.
    SELECT count(i.last_won) INTO v_ignored
    FROM (SELECT DISTINCT l.symbol FROM batch_lines AS l WHERE l.symbol IS NOT NULL ORDER BY l.symbol LIMIT 1000) AS d
    STRAIGHT_JOIN stock_inventory AS i ON i.symbol = d.symbol
    FOR UPDATE;
    INSERT INTO batch_accounts SELECT DISTINCT l.account_id FROM batch_lines AS l WHERE l.account_id IS NOT NULL;
    FOR r IN (
        SELECT i.symbol, i.quote_date < p_date OR i.auction_id IS NOT NULL AS is_whole, d.buys_to_won, d.sells_from_won
        FROM (
            SELECT
                l.symbol,
                max(CASE WHEN l.side = 'buy' THEN coalesce(l.limit_won, 9223372036854775807) END) AS buys_to_won,
                min(CASE WHEN l.side = 'sell' THEN coalesce(l.limit_won, 0) END) AS sells_from_won
            FROM batch_lines AS l GROUP BY l.symbol
        ) AS d
        JOIN stock_inventory AS i ON i.symbol = d.symbol
    ) DO
        SELECT
            (SELECT min(o.resting_won) FROM orders AS o WHERE o.symbol = r.symbol AND o.side = 'sell'),
            (SELECT max(o.resting_won) FROM orders AS o WHERE o.symbol = r.symbol AND o.side = 'buy')
        INTO v_sell_won, v_buy_won;
        IF v_sell_won IS NOT NULL OR v_buy_won IS NOT NULL THEN
            INSERT INTO batch_symbols VALUES (r.symbol, v_sell_won, v_buy_won);
        END IF;
        IF r.is_whole OR v_sell_won <= r.buys_to_won THEN
            INSERT IGNORE INTO batch_accounts SELECT o.account_id FROM orders AS o FORCE INDEX (orders_book_ix)
            WHERE o.symbol = r.symbol AND o.side = 'sell' AND o.resting_won <= CASE WHEN r.is_whole THEN 9223372036854775807 ELSE r.buys_to_won END;
        END IF;
        IF r.is_whole OR v_buy_won >= r.sells_from_won THEN
            INSERT IGNORE INTO batch_accounts SELECT o.account_id FROM orders AS o FORCE INDEX (orders_book_ix)
            WHERE o.symbol = r.symbol AND o.side = 'buy' AND o.resting_won >= CASE WHEN r.is_whole THEN 0 ELSE r.sells_from_won END;
        END IF;
    END FOR;
    SELECT count(a.cash_won) INTO v_ignored
    FROM (SELECT b.account_id FROM batch_accounts AS b ORDER BY b.account_id LIMIT 9223372036854775807) AS d
    STRAIGHT_JOIN accounts AS a ON a.account_id = d.account_id
    FOR UPDATE;
    FOR r IN (
        SELECT i.symbol
        FROM (SELECT DISTINCT l.symbol FROM batch_lines AS l) AS d
        JOIN stock_inventory AS i ON i.symbol = d.symbol
        JOIN stocks AS k ON k.symbol = i.symbol
        WHERE i.quote_date < p_date AND session_open(k.market, p_date, p_at)
        ORDER BY i.symbol
    ) DO
        CALL open_day(r.symbol, p_date, p_at);
        DELETE FROM batch_symbols WHERE symbol = r.symbol;
    END FOR;

    INSERT INTO batch_orders
    SELECT
        s.position_no, row_number() OVER (PARTITION BY s.symbol, s.is_recorded ORDER BY s.position_no),
        min(NOT s.is_recorded OR (NOT s.is_replay AND NOT s.collects AND (s.reason IS NOT NULL OR coalesce(s.asked_won, 0) <= s.available_won))) OVER (PARTITION BY s.symbol),
        s.idempotency_key, s.account_id, s.symbol, s.side, s.kind, s.limit_won, s.quantity, s.portfolio_id, s.condition_id, s.prediction_id,
        s.user_id, s.rate, s.tax_exempt, s.reason, s.is_recorded, FALSE
    FROM (
        SELECT
            q.*,
            coalesce(q.reason, '') NOT IN ('bad_quantity', 'bad_request', 'unknown_symbol', 'unknown_account') AS is_recorded,
            q.is_placed OR count(*) OVER (PARTITION BY q.account_id, q.idempotency_key) > 1 AS is_replay,
            sum(CASE WHEN q.reason IS NULL AND q.side = 'buy'
                THEN q.quantity * coalesce(q.limit_won, q.upper_won) + floor(q.quantity * coalesce(q.limit_won, q.upper_won) * q.rate) END)
                OVER (PARTITION BY q.account_id) AS asked_won
        FROM (
            SELECT
                l.*, i.auction_id IS NOT NULL OR coalesce(m.collects, FALSE) AS collects, a.user_id, f.rate, a.tax_exempt, i.upper_won, a.cash_won - a.reserved_won AS available_won, o.order_id IS NOT NULL AS is_placed,
                CASE
                    WHEN l.quantity IS NULL OR l.quantity < 1 OR (l.quantity > k.listed_shares AND k.status <> 'delisted') THEN 'bad_quantity'
                    WHEN (l.side IN ('buy', 'sell') AND char_length(l.idempotency_key) BETWEEN 1 AND 64
                        AND (l.kind = 'limit' AND l.limit_won >= 1 OR l.kind = 'market' AND l.limit_won IS NULL)) IS NOT TRUE THEN 'bad_request'
                    WHEN i.symbol IS NULL THEN 'unknown_symbol'
                    WHEN a.account_id IS NULL THEN 'unknown_account'
                    WHEN a.status <> 'active' THEN 'account_inactive'
                    WHEN k.status = 'delisted' THEN 'delisted'
                    WHEN k.status = 'halted' THEN 'halted'
                    WHEN NOT m.is_open OR p_date < i.quote_date OR t.tick_won IS NULL OR f.rate IS NULL THEN 'closed_session'
                    WHEN l.limit_won % t.tick_won <> 0 THEN 'off_tick'
                    WHEN l.limit_won < i.lower_won OR l.limit_won > i.upper_won THEN 'outside_price_limit'
                END AS reason
            FROM batch_lines AS l
            LEFT JOIN stock_inventory AS i ON i.symbol = l.symbol
            LEFT JOIN stocks AS k ON k.symbol = i.symbol
            LEFT JOIN accounts AS a ON a.account_id = l.account_id AND a.kind = 'customer'
            LEFT JOIN orders AS o ON o.account_id = l.account_id AND o.idempotency_key = l.idempotency_key
            LEFT JOIN (
                SELECT p.market, session_open(p.market, p_date, p_at) AS is_open, auction_open(p.market, p_date, p_at) AS collects
                FROM price_limits AS p GROUP BY p.market
            ) AS m ON m.market = k.market
            LEFT JOIN (
                SELECT b.broker_id, (SELECT f.commission_rate FROM fee_schedules AS f
                    WHERE f.broker_id = b.broker_id AND f.valid_from <= p_date ORDER BY f.valid_from DESC LIMIT 1) AS rate
                FROM brokers AS b GROUP BY b.broker_id
            ) AS f ON f.broker_id = a.broker_id
            LEFT JOIN (
                SELECT b.market, b.price_from_won, b.tick_won,
                    coalesce(lead(b.price_from_won) OVER (PARTITION BY b.market ORDER BY b.price_from_won), 9223372036854775807) AS price_to_won
                FROM tick_sizes AS b
                WHERE b.valid_from = (SELECT max(n.valid_from) FROM tick_sizes AS n WHERE n.market = b.market AND n.valid_from <= p_date)
            ) AS t ON t.market = k.market AND coalesce(l.limit_won, 1) >= t.price_from_won AND coalesce(l.limit_won, 1) < t.price_to_won
        ) AS q
    ) AS s;
END;

CREATE OR REPLACE PROCEDURE place_turn(IN p_turn INT, IN p_date DATE, IN p_at DATETIME(6))
COMMENT 'Places the orders of a turn, each for another symbol, all together; leaves out those that meet two resting orders of one account; for place_orders'
BEGIN
    DECLARE v_meetings INT DEFAULT 0;
    DECLARE v_quantity, v_sell_won, v_buy_won BIGINT;
    FOR r IN (
        SELECT b.position_no, b.account_id, b.user_id, b.symbol, b.side, b.quantity, b.rate, b.tax_exempt, i.sell_tax_rate,
            coalesce(b.limit_won, CASE WHEN b.side = 'buy' THEN i.upper_won ELSE i.lower_won END) AS bound_won
        FROM batch_orders AS b
        STRAIGHT_JOIN batch_symbols AS y ON y.symbol = b.symbol
        STRAIGHT_JOIN stock_inventory AS i ON i.symbol = b.symbol
        WHERE
            b.turn = p_turn AND b.is_together AND b.is_recorded AND b.reason IS NULL
            AND CASE WHEN b.side = 'buy' THEN y.best_sell_won <= coalesce(b.limit_won, i.upper_won) ELSE y.best_buy_won >= coalesce(b.limit_won, i.lower_won) END
    ) DO
        SET v_meetings = v_meetings + 1, v_quantity = r.quantity;
        IF r.side = 'buy' THEN
            INSERT INTO batch_fills
            SELECT r.position_no, m.n, p_turn, NULL, m.order_id, m.account_id, m.user_id = r.user_id, m.resting_won, m.met, m.remaining - m.met, 0,
                floor(m.resting_won * m.met * r.rate), 0, floor(m.resting_won * m.met * m.rate),
                CASE WHEN m.tax_exempt THEN 0 ELSE floor(m.resting_won * m.met * r.sell_tax_rate) END, 0
            FROM (
                SELECT o.order_id, o.account_id, o.resting_won, o.remaining, o.n, least(o.remaining, r.quantity - (o.so_far - o.remaining)) AS met,
                    c.user_id, c.tax_exempt, (SELECT f.commission_rate FROM fee_schedules AS f
                        WHERE f.broker_id = c.broker_id AND f.valid_from <= p_date ORDER BY f.valid_from DESC LIMIT 1) AS rate
                FROM (
                    SELECT x.*, row_number() OVER (ORDER BY x.resting_won, x.order_id) AS n, sum(x.remaining) OVER (ORDER BY x.resting_won, x.order_id) AS so_far
                    FROM (
                        SELECT q.order_id, q.account_id, q.resting_won, q.quantity - q.filled_quantity AS remaining
                        FROM orders AS q FORCE INDEX (orders_book_ix)
                        WHERE q.symbol = r.symbol AND q.side = 'sell' AND q.resting_won <= r.bound_won
                        ORDER BY q.resting_won, q.order_id LIMIT v_quantity
                    ) AS x
                ) AS o
                STRAIGHT_JOIN accounts AS c ON c.account_id = o.account_id
                WHERE o.so_far - o.remaining < r.quantity
            ) AS m;
        ELSE
            INSERT INTO batch_fills
            SELECT r.position_no, m.n, p_turn, NULL, m.order_id, m.account_id, m.user_id = r.user_id, m.resting_won, m.met, m.remaining - m.met, m.reserved_won,
                floor(m.resting_won * m.met * r.rate), CASE WHEN r.tax_exempt THEN 0 ELSE floor(m.resting_won * m.met * r.sell_tax_rate) END,
                floor(m.resting_won * m.met * m.rate), 0, m.resting_won * (m.remaining - m.met) + floor(m.resting_won * (m.remaining - m.met) * m.rate)
            FROM (
                SELECT o.order_id, o.account_id, o.resting_won, o.remaining, o.reserved_won, o.n, least(o.remaining, r.quantity - (o.so_far - o.remaining)) AS met,
                    c.user_id, (SELECT f.commission_rate FROM fee_schedules AS f
                        WHERE f.broker_id = c.broker_id AND f.valid_from <= p_date ORDER BY f.valid_from DESC LIMIT 1) AS rate
                FROM (
                    SELECT x.*, row_number() OVER (ORDER BY x.resting_won DESC, x.order_id) AS n,
                        sum(x.remaining) OVER (ORDER BY x.resting_won DESC, x.order_id) AS so_far
                    FROM (
                        SELECT q.order_id, q.account_id, q.resting_won, q.quantity - q.filled_quantity AS remaining, q.reserved_won
                        FROM orders AS q FORCE INDEX (orders_book_ix)
                        WHERE q.symbol = r.symbol AND q.side = 'buy' AND q.resting_won >= r.bound_won
                        ORDER BY q.resting_won DESC, q.order_id LIMIT v_quantity
                    ) AS x
                ) AS o
                STRAIGHT_JOIN accounts AS c ON c.account_id = o.account_id
                WHERE o.so_far - o.remaining < r.quantity
            ) AS m;
        END IF;
    END FOR;
    IF v_meetings > 0 THEN
        -- What one account's shares cost is cut off at each sale: two sales of one account take execute_order.
        UPDATE batch_orders AS b
        STRAIGHT_JOIN (
            SELECT DISTINCT f.position_no FROM batch_fills AS f WHERE f.turn = p_turn GROUP BY f.position_no, f.account_id HAVING count(*) > 1
        ) AS twice ON twice.position_no = b.position_no
        SET b.is_alone = TRUE;
        -- A table of the MEMORY engine that is read by an index while rows of it are deleted skips some: the table to delete
        -- from comes second, so that the server finds all of the rows before it deletes the first.
        DELETE f FROM batch_orders AS b STRAIGHT_JOIN batch_fills AS f ON f.position_no = b.position_no WHERE b.turn = p_turn AND b.is_alone;
    END IF;

    INSERT INTO batch_done
    SELECT
        h.position_no, p_turn, NULL,
        CASE
            WHEN h.reason IS NOT NULL THEN 'rejected' WHEN h.met + h.house = h.quantity THEN 'filled' WHEN h.limit_won IS NULL THEN 'cancelled' ELSE 'open'
        END,
        CASE WHEN h.reason IS NULL AND h.limit_won IS NULL AND h.met + h.house < h.quantity THEN 'no_liquidity' ELSE h.reason END,
        h.met + h.house, h.house, h.price_won, h.value_won + h.price_won * h.house, h.fee_won + floor(h.price_won * h.house * h.rate),
        h.tax_won + CASE WHEN h.side = 'buy' OR h.tax_exempt THEN 0 ELSE floor(h.price_won * h.house * h.sell_tax_rate) END,
        CASE WHEN h.reason IS NULL AND h.side = 'buy' AND h.limit_won IS NOT NULL
            THEN h.limit_won * (h.quantity - h.met - h.house) + floor(h.limit_won * (h.quantity - h.met - h.house) * h.rate) ELSE 0 END,
        h.settles_on, FALSE
    FROM (
        SELECT
            g.*,
            CASE
                WHEN g.reason IS NOT NULL THEN 0
                WHEN g.side = 'buy' AND g.price_won <= coalesce(g.limit_won, g.price_won) THEN least(g.quantity - g.met, g.available_shares)
                WHEN g.side = 'sell' AND g.price_won >= coalesce(g.limit_won, g.price_won) THEN g.quantity - g.met
                ELSE 0
            END AS house
        FROM (
            SELECT
                k.*,
                CASE WHEN k.reason IS NULL THEN coalesce(k.f_met, 0) ELSE 0 END AS met,
                CASE WHEN k.reason IS NULL THEN coalesce(k.f_value_won, 0) ELSE 0 END AS value_won,
                CASE WHEN k.reason IS NULL THEN coalesce(k.f_fee_won, 0) ELSE 0 END AS fee_won,
                CASE WHEN k.reason IS NULL THEN coalesce(k.f_tax_won, 0) ELSE 0 END AS tax_won,
                coalesce(CASE WHEN k.side = 'buy' THEN k.f_highest_won ELSE k.f_lowest_won END, k.last_won) AS price_won
            FROM (
                SELECT
                    b.position_no, b.side, b.limit_won, b.quantity, b.rate, b.tax_exempt, i.available_shares, i.last_won, i.settles_on, i.sell_tax_rate,
                    f.met AS f_met, f.value_won AS f_value_won, f.fee_won AS f_fee_won, f.tax_won AS f_tax_won, f.highest_won AS f_highest_won,
                    f.lowest_won AS f_lowest_won,
                    CASE
                        WHEN b.reason IS NOT NULL THEN b.reason
                        WHEN b.side = 'sell' AND coalesce(p.quantity - p.reserved_quantity, 0) < b.quantity THEN 'insufficient_shares'
                        WHEN f.is_own THEN 'self_match'
                    END AS reason
                FROM batch_orders AS b
                STRAIGHT_JOIN stock_inventory AS i ON i.symbol = b.symbol
                LEFT JOIN positions AS p ON p.account_id = b.account_id AND p.symbol = b.symbol
                LEFT JOIN (
                    SELECT e.position_no, sum(e.quantity) AS met, sum(e.price_won * e.quantity) AS value_won, sum(e.fee_won) AS fee_won,
                        sum(e.tax_won) AS tax_won, max(e.price_won) AS highest_won, min(e.price_won) AS lowest_won, max(e.is_own) AS is_own
                    FROM batch_fills AS e WHERE e.turn = p_turn GROUP BY e.position_no
                ) AS f ON f.position_no = b.position_no
                WHERE b.turn = p_turn AND b.is_together AND b.is_recorded AND NOT b.is_alone
            ) AS k
        ) AS g
    ) AS h;
    IF v_meetings > 0 THEN
        DELETE f FROM batch_done AS d STRAIGHT_JOIN batch_fills AS f ON f.position_no = d.position_no WHERE d.turn = p_turn AND d.status = 'rejected';
    END IF;
    INSERT INTO batch_fills
    SELECT d.position_no, 1000000, p_turn, NULL, NULL, 1, FALSE, d.price_won, d.house, 0, 0, floor(d.price_won * d.house * b.rate),
        CASE WHEN b.side = 'buy' OR b.tax_exempt THEN 0 ELSE floor(d.price_won * d.house * i.sell_tax_rate) END, 0, 0, 0
    FROM batch_done AS d STRAIGHT_JOIN batch_orders AS b ON b.position_no = d.position_no STRAIGHT_JOIN stock_inventory AS i ON i.symbol = b.symbol
    WHERE d.turn = p_turn AND d.house > 0;
    UPDATE batch_done SET order_id = NEXTVAL(event_ids) WHERE turn = p_turn ORDER BY position_no;
    UPDATE batch_fills SET event_id = NEXTVAL(event_ids) WHERE turn = p_turn ORDER BY position_no, fill_no;

    INSERT INTO orders (order_id, account_id, idempotency_key, symbol, side, kind, limit_won, quantity, filled_quantity, reserved_won,
        status, reason, portfolio_id, condition_id, prediction_id, business_date, placed_at, closed_event_id)
    SELECT
        d.order_id, b.account_id, b.idempotency_key, b.symbol, b.side, b.kind, b.limit_won, b.quantity, d.filled_quantity, d.reserve_won,
        d.status, d.reason, b.portfolio_id, b.condition_id, b.prediction_id, p_date, p_at,
        CASE WHEN d.status <> 'open' THEN coalesce(f.event_id, d.order_id) END
    FROM batch_done AS d
    STRAIGHT_JOIN batch_orders AS b ON b.position_no = d.position_no
    LEFT JOIN (SELECT e.position_no, max(e.event_id) AS event_id FROM batch_fills AS e WHERE e.turn = p_turn GROUP BY e.position_no) AS f
        ON f.position_no = d.position_no
    WHERE d.turn = p_turn;
    INSERT INTO trades (trade_id, symbol, buy_order_id, sell_order_id, taker_side, price_won, quantity,
        buy_fee_won, sell_fee_won, sell_tax_won, business_date, settles_on, traded_at)
    SELECT
        f.event_id, b.symbol, CASE WHEN b.side = 'buy' THEN d.order_id ELSE f.order_id END, CASE WHEN b.side = 'buy' THEN f.order_id ELSE d.order_id END,
        b.side, f.price_won, f.quantity, CASE WHEN b.side = 'buy' THEN f.fee_won ELSE f.their_fee_won END,
        CASE WHEN b.side = 'buy' THEN f.their_fee_won ELSE f.fee_won END, f.tax_won + f.their_tax_won, p_date, d.settles_on, p_at
    FROM batch_fills AS f
    STRAIGHT_JOIN batch_orders AS b ON b.position_no = f.position_no
    STRAIGHT_JOIN batch_done AS d ON d.position_no = f.position_no
    WHERE f.turn = p_turn;
    UPDATE (
        SELECT u.account_id, sum(u.cash_won) AS cash_won, sum(u.reserve_won) AS reserve_won
        FROM (
            SELECT b.account_id, CASE WHEN b.side = 'buy' THEN -d.value_won ELSE d.value_won END - d.fee_won - d.tax_won AS cash_won, d.reserve_won
            FROM batch_done AS d STRAIGHT_JOIN batch_orders AS b ON b.position_no = d.position_no
            WHERE d.turn = p_turn AND (d.value_won > 0 OR d.reserve_won > 0)
            UNION ALL
            SELECT f.account_id,
                CASE WHEN b.side = 'buy' THEN f.price_won * f.quantity ELSE -f.price_won * f.quantity END - f.their_fee_won - f.their_tax_won,
                f.their_reserve_won - f.released_won
            FROM batch_fills AS f STRAIGHT_JOIN batch_orders AS b ON b.position_no = f.position_no
            WHERE f.turn = p_turn AND f.order_id IS NOT NULL
        ) AS u
        GROUP BY u.account_id
    ) AS s STRAIGHT_JOIN accounts AS a ON a.account_id = s.account_id
    SET a.cash_won = a.cash_won + s.cash_won, a.reserved_won = a.reserved_won + s.reserve_won;
    INSERT INTO positions (account_id, symbol, quantity, cost_won)
    SELECT b.account_id, b.symbol, d.filled_quantity, d.value_won
    FROM batch_done AS d STRAIGHT_JOIN batch_orders AS b ON b.position_no = d.position_no
    WHERE d.turn = p_turn AND d.value_won > 0 AND b.side = 'buy'
    ON DUPLICATE KEY UPDATE positions.quantity = positions.quantity + VALUES(quantity), positions.cost_won = positions.cost_won + VALUES(cost_won);
    -- MariaDB assigns from left to right: the cost is cut by the quantity before it changes.
    UPDATE batch_done AS d STRAIGHT_JOIN batch_orders AS b ON b.position_no = d.position_no
    STRAIGHT_JOIN positions AS p ON p.account_id = b.account_id AND p.symbol = b.symbol
    SET
        p.cost_won = p.cost_won - CAST(p.cost_won AS DECIMAL(38, 0)) * d.filled_quantity DIV p.quantity,
        p.quantity = p.quantity - d.filled_quantity,
        p.reserved_quantity = p.reserved_quantity + CASE WHEN d.status = 'open' THEN b.quantity - d.filled_quantity ELSE 0 END
    WHERE d.turn = p_turn AND b.side = 'sell' AND (d.status = 'open' OR d.value_won > 0);
    UPDATE batch_done AS d STRAIGHT_JOIN batch_orders AS b ON b.position_no = d.position_no
    STRAIGHT_JOIN stock_inventory AS i ON i.symbol = b.symbol
    SET i.available_shares = i.available_shares + CASE WHEN b.side = 'buy' THEN -d.house ELSE d.house END, i.last_won = d.price_won
    WHERE d.turn = p_turn AND d.value_won > 0;
    INSERT INTO batch_symbols (symbol, best_sell_won, best_buy_won)
    SELECT b.symbol, CASE WHEN b.side = 'sell' THEN b.limit_won END, CASE WHEN b.side = 'buy' THEN b.limit_won END
    FROM batch_done AS d STRAIGHT_JOIN batch_orders AS b ON b.position_no = d.position_no
    WHERE d.turn = p_turn AND d.status = 'open'
    ON DUPLICATE KEY UPDATE
        best_sell_won = least(coalesce(best_sell_won, VALUES(best_sell_won)), coalesce(VALUES(best_sell_won), best_sell_won)),
        best_buy_won = greatest(coalesce(best_buy_won, VALUES(best_buy_won)), coalesce(VALUES(best_buy_won), best_buy_won));

    IF v_meetings > 0 THEN
        UPDATE batch_fills AS f STRAIGHT_JOIN orders AS o ON o.order_id = f.order_id
        SET
            o.filled_quantity = o.filled_quantity + f.quantity,
            o.reserved_won = f.their_reserve_won,
            o.status = CASE WHEN f.left_over = 0 THEN 'filled' ELSE 'open' END,
            o.closed_event_id = CASE WHEN f.left_over = 0 THEN f.event_id END
        WHERE f.turn = p_turn AND f.order_id IS NOT NULL;
        INSERT INTO positions (account_id, symbol, quantity, cost_won)
        SELECT f.account_id, b.symbol, f.quantity, f.price_won * f.quantity
        FROM batch_fills AS f STRAIGHT_JOIN batch_orders AS b ON b.position_no = f.position_no
        WHERE f.turn = p_turn AND f.order_id IS NOT NULL AND b.side = 'sell'
        ON DUPLICATE KEY UPDATE positions.quantity = positions.quantity + VALUES(quantity), positions.cost_won = positions.cost_won + VALUES(cost_won);
        UPDATE batch_fills AS f STRAIGHT_JOIN batch_orders AS b ON b.position_no = f.position_no
        STRAIGHT_JOIN positions AS p ON p.account_id = f.account_id AND p.symbol = b.symbol
        SET
            p.cost_won = p.cost_won - CAST(p.cost_won AS DECIMAL(38, 0)) * f.quantity DIV p.quantity,
            p.quantity = p.quantity - f.quantity,
            p.reserved_quantity = p.reserved_quantity - f.quantity
        WHERE f.turn = p_turn AND f.order_id IS NOT NULL AND b.side = 'buy';
        -- The next order for a symbol whose book was met needs to know what is left of it. The symbol is that of batch_symbols, as
        -- long as the column of orders: for a longer text min() and max() would not be taken from the end of an index.
        FOR r IN (
            SELECT DISTINCT y.symbol
            FROM batch_fills AS f
            STRAIGHT_JOIN batch_orders AS b ON b.position_no = f.position_no
            STRAIGHT_JOIN batch_symbols AS y ON y.symbol = b.symbol
            STRAIGHT_JOIN batch_orders AS later ON later.turn = p_turn + 1 AND later.symbol = b.symbol
            WHERE f.turn = p_turn AND f.order_id IS NOT NULL
        ) DO
            SELECT
                (SELECT min(o.resting_won) FROM orders AS o WHERE o.symbol = r.symbol AND o.side = 'sell'),
                (SELECT max(o.resting_won) FROM orders AS o WHERE o.symbol = r.symbol AND o.side = 'buy')
            INTO v_sell_won, v_buy_won;
            UPDATE batch_symbols SET best_sell_won = v_sell_won, best_buy_won = v_buy_won WHERE symbol = r.symbol;
        END FOR;
    END IF;
END;

CREATE OR REPLACE PROCEDURE place_orders(IN p_orders LONGTEXT CHARACTER SET utf8mb4, IN p_business_date DATE, IN p_at DATETIME(6))
COMMENT 'Places up to 1,000 orders in one transaction, one answer for each, as if they came in the order of the array'
BEGIN
    DECLARE c_shortest_turn INT DEFAULT 8;
    DECLARE v_at DATETIME(6) DEFAULT coalesce(p_at, utc_timestamp(6));
    DECLARE v_date DATE DEFAULT coalesce(p_business_date, date(v_at + INTERVAL 9 HOUR));
    DECLARE v_message VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
    DECLARE v_turn, v_turns INT DEFAULT 0;
    DECLARE v_first, v_sell_won, v_buy_won BIGINT;
    DECLARE v_symbol VARCHAR(6) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
    DECLARE v_answer ROW(
        status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, reason VARCHAR(24) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
        order_id BIGINT, filled_quantity BIGINT, filled_value_won BIGINT, fee_won BIGINT, tax_won BIGINT, replayed BOOLEAN
    );
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        CALL forget_batch();
        RESIGNAL;
    END;
    IF coalesce(json_type(p_orders), 'NULL') <> 'ARRAY' OR json_length(p_orders) > 1000 THEN
        SET v_message = concat('place_orders takes an array of 1000 orders at most, got ', coalesce(json_length(p_orders), 'no JSON'));
        SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = v_message;
    END IF;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    START TRANSACTION;
    CALL judge_orders(p_orders, v_date, v_at);
    INSERT INTO batch_done (position_no, status, reason, is_replayed)
    SELECT b.position_no, 'rejected', b.reason, FALSE
    FROM batch_orders AS b WHERE NOT b.is_recorded AND b.reason IN ('bad_request', 'bad_quantity', 'unknown_symbol');
    -- The turns that are long enough; the one after them takes whatever is left.
    SELECT count(*) INTO v_turns
    FROM (
        SELECT b.turn FROM batch_orders AS b WHERE b.is_together AND b.is_recorded GROUP BY b.turn HAVING count(*) >= c_shortest_turn
    ) AS long_ones;
    REPEAT
        SET v_turn = v_turn + 1;
        IF v_turn <= v_turns THEN
            CALL place_turn(v_turn, v_date, v_at);
        END IF;
        FOR r IN (
            SELECT b.*
            FROM batch_orders AS b LEFT JOIN batch_done AS d ON d.position_no = b.position_no
            WHERE d.position_no IS NULL AND (v_turn > v_turns OR (b.turn = v_turn AND b.is_together AND b.is_recorded))
            ORDER BY b.position_no
        ) DO
            CALL execute_order(r.idempotency_key, r.account_id, r.symbol, r.side, r.kind, r.limit_won, r.quantity, v_date, v_at,
                r.portfolio_id, r.condition_id, r.prediction_id, TRUE, TRUE, v_answer);
            INSERT INTO batch_done (position_no, order_id, status, reason, filled_quantity, value_won, fee_won, tax_won, is_replayed)
            VALUES (r.position_no, v_answer.order_id, v_answer.status, v_answer.reason, v_answer.filled_quantity, v_answer.filled_value_won, v_answer.fee_won,
                v_answer.tax_won, v_answer.replayed);
            IF v_turn <= v_turns THEN
                SET v_symbol = r.symbol;
                SELECT
                    (SELECT min(o.resting_won) FROM orders AS o WHERE o.symbol = v_symbol AND o.side = 'sell'),
                    (SELECT max(o.resting_won) FROM orders AS o WHERE o.symbol = v_symbol AND o.side = 'buy')
                INTO v_sell_won, v_buy_won;
                REPLACE INTO batch_symbols VALUES (v_symbol, v_sell_won, v_buy_won);
            END IF;
        END FOR;
    UNTIL v_turn > v_turns END REPEAT;

    INSERT INTO audit_log (audit_id, business_date, user_id, action, entity, entity_id, detail)
    SELECT
        d.order_id, v_date, b.user_id, 'place', 'order', d.order_id,
        CASE WHEN d.status = 'rejected'
            THEN concat_ws(' ', b.side, b.kind, b.symbol, b.quantity, 'at', coalesce(b.limit_won, 'market'), d.status, d.reason)
            ELSE concat_ws(' ', b.side, b.kind, b.symbol, b.quantity, 'at', coalesce(b.limit_won, 'market'), d.status,
                'filled', d.filled_quantity, 'for', d.value_won) END
    FROM batch_done AS d STRAIGHT_JOIN batch_orders AS b ON b.position_no = d.position_no
    WHERE d.order_id IS NOT NULL AND NOT d.is_replayed;
    -- The symbols are ours: whatever was traded of them since the first order is of this batch; an auction wrote its own.
    SELECT min(d.order_id) INTO v_first FROM batch_done AS d WHERE NOT d.is_replayed;
    INSERT INTO journal_entries (journal_id, leg, business_date, account_id, asset, amount, kind)
    SELECT e.trade_id, e.leg, v_date, e.account_id, e.asset, e.amount, e.kind
    FROM (
        SELECT
            t.trade_id, l.leg,
            CASE
                WHEN l.leg = 5 THEN 2
                WHEN l.leg = 6 THEN 3
                WHEN (t.taker_side = 'buy') = (l.leg IN (1, 3)) THEN coalesce(b.account_id, 1)
                ELSE coalesce(s.account_id, 1)
            END AS account_id,
            CASE WHEN l.leg IN (3, 4) THEN t.symbol ELSE 'KRW' END AS asset,
            CASE
                WHEN l.leg = 5 THEN t.buy_fee_won + t.sell_fee_won
                WHEN l.leg = 6 THEN t.sell_tax_won
                WHEN (t.taker_side = 'buy') = (l.leg IN (1, 3)) THEN CASE WHEN l.leg < 3 THEN -t.value_won - t.buy_fee_won ELSE t.quantity END
                ELSE CASE WHEN l.leg < 3 THEN t.value_won - t.sell_fee_won - t.sell_tax_won ELSE -t.quantity END
            END AS amount,
            CASE l.leg WHEN 5 THEN 'fee' WHEN 6 THEN 'tax' ELSE 'trade' END AS kind
        FROM (
            SELECT DISTINCT b.symbol FROM batch_done AS d STRAIGHT_JOIN batch_orders AS b ON b.position_no = d.position_no WHERE d.value_won > 0
        ) AS y
        STRAIGHT_JOIN trades AS t FORCE INDEX (trades_symbol_ix) ON t.symbol = y.symbol AND t.trade_id > v_first AND t.auction_id IS NULL
        LEFT JOIN orders AS b ON b.order_id = t.buy_order_id
        LEFT JOIN orders AS s ON s.order_id = t.sell_order_id
        STRAIGHT_JOIN (SELECT 1 AS leg UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6) AS l
    ) AS e
    WHERE e.amount <> 0;
    COMMIT;
    SELECT d.position_no, d.status, d.reason, d.order_id, d.filled_quantity, d.value_won AS filled_value_won, d.fee_won, d.tax_won, d.is_replayed AS replayed
    FROM batch_done AS d ORDER BY d.position_no;
    CALL forget_batch();
END;
