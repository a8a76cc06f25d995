-- requires: R__place_order.sql
-- Many orders in one transaction: same rules, same books, one answer for each order.
--
-- All symbols are locked first, in order, then every account that any of the orders can touch, in order. Nobody else trades
-- these symbols meanwhile: keep to 1,000 orders.
--
-- Orders for different symbols touch each other only through the cash of an account. So the symbols whose buyers can pay for
-- all that they ask in the batch are taken in turns: the first order of each such symbol, then the second of each, and so on.
-- A turn works on copies of what it can meet: the best resting orders of each symbol, its last price, the house's shares. Only
-- positions are written by each turn; orders, trades, cash and prices once, after the last one. What is left, where a turn would
-- be too short to pay, where cash is tight, or where too many resting orders could be met, goes through execute_order one by
-- one then. Within a symbol the order is always the array's. Journal and audit rows are written at the end: nothing reads them
-- before.
--
-- The temporary tables are private to the session, and die with the call.

CREATE OR REPLACE PROCEDURE forget_batch()
COMMENT 'Drops the temporary tables of place_orders'
BEGIN
    DROP TEMPORARY TABLE IF EXISTS batch_lines, batch_symbols, batch_locks, batch_accounts, batch_issues, batch_book, batch_orders, batch_fills, batch_done;
END;

CREATE OR REPLACE PROCEDURE copy_book(IN p_date DATE)
COMMENT 'Copies the resting orders that the lines of a batch can meet, best first, and notes whose accounts they can touch; for place_orders, which holds the symbols'
BEGIN
    DECLARE c_first_few INT DEFAULT 12;
    DECLARE c_deepest INT DEFAULT 1000;
    DECLARE v_room INT DEFAULT 30000;
    DECLARE v_limit, v_others, v_copied INT;
    DECLARE v_last_won, v_shares BIGINT;
    INSERT INTO batch_symbols
    SELECT d.symbol, i.quote_date < p_date OR i.auction_id IS NOT NULL, FALSE, d.buys_to_won, d.sells_from_won, d.bought, d.sold
    FROM (
        SELECT
            l.symbol,
            max(CASE WHEN l.side = 'buy' THEN coalesce(l.limit_won, 9223372036854775807) END) AS buys_to_won,
            min(CASE WHEN l.side = 'sell' THEN coalesce(l.limit_won, 0) END) AS sells_from_won,
            least(coalesce(sum(CASE WHEN l.side = 'buy' THEN greatest(l.quantity, 0) END), 0), 9223372036854775807) AS bought,
            least(coalesce(sum(CASE WHEN l.side = 'sell' THEN greatest(l.quantity, 0) END), 0), 9223372036854775807) AS sold
        FROM batch_lines AS l GROUP BY l.symbol
    ) AS d
    JOIN stock_inventory AS i ON i.symbol = d.symbol;
    -- Few of them are met as a rule: a few are copied of every symbol, read from the end of the index. Of the buys at the last price these
    -- are the youngest.
    FOR r IN (SELECT y.symbol, y.buys_to_won, y.sells_from_won FROM batch_symbols AS y WHERE NOT y.is_whole) DO
        INSERT INTO batch_book (order_id, symbol, buys, price_won, remaining, reserved_won, account_id)
        (
            SELECT o.order_id, r.symbol, FALSE, o.resting_won, o.quantity - o.filled_quantity, 0, o.account_id
            FROM orders AS o FORCE INDEX (orders_book_ix)
            WHERE o.symbol = r.symbol AND o.side = 'sell' AND o.resting_won <= r.buys_to_won
            ORDER BY o.resting_won, o.order_id LIMIT c_first_few
        )
        UNION ALL
        (
            SELECT o.order_id, r.symbol, TRUE, o.resting_won, o.quantity - o.filled_quantity, o.reserved_won, o.account_id
            FROM orders AS o FORCE INDEX (orders_book_ix)
            WHERE o.symbol = r.symbol AND o.side = 'buy' AND o.resting_won >= r.sells_from_won
            ORDER BY o.resting_won DESC, o.order_id DESC LIMIT c_first_few
        );
    END FOR;
    -- Where there are more, and these have fewer shares than are asked for, as many are copied as there are shares.
    FOR r IN (
        SELECT y.symbol, y.buys_to_won, y.sells_from_won, k.buys, CASE WHEN k.buys THEN y.sold ELSE y.bought END AS wanted
        FROM (
            SELECT b.symbol, b.buys, min(b.price_won) AS lowest_won FROM batch_book AS b GROUP BY b.symbol, b.buys HAVING count(*) = c_first_few
        ) AS k
        JOIN batch_symbols AS y ON y.symbol = k.symbol
        WHERE
            CASE WHEN k.buys THEN y.sold ELSE y.bought END > (
                SELECT coalesce(sum(b.remaining), 0) FROM batch_book AS b
                WHERE b.symbol = k.symbol AND b.buys = k.buys AND (NOT k.buys OR b.price_won > k.lowest_won)
            )
    ) DO
        SET v_limit = greatest(least(r.wanted, c_deepest, v_room), c_first_few), v_others = v_limit - 1, v_room = v_room - v_limit;
        IF r.buys THEN
            SET v_last_won = (
                SELECT o.resting_won FROM orders AS o FORCE INDEX (orders_book_ix)
                WHERE o.symbol = r.symbol AND o.side = 'buy' AND o.resting_won >= r.sells_from_won
                ORDER BY o.resting_won DESC LIMIT 1 OFFSET v_others
            );
            UPDATE batch_book SET remaining = 0 WHERE symbol = r.symbol AND buys = TRUE;
            INSERT INTO batch_book (order_id, symbol, buys, price_won, remaining, reserved_won, account_id)
            SELECT o.order_id, r.symbol, TRUE, o.resting_won, o.quantity - o.filled_quantity, o.reserved_won, o.account_id
            FROM orders AS o FORCE INDEX (orders_book_ix)
            WHERE o.symbol = r.symbol AND o.side = 'buy' AND o.resting_won >= coalesce(v_last_won + 1, r.sells_from_won)
            ON DUPLICATE KEY UPDATE remaining = VALUES(remaining);
            INSERT INTO batch_book (order_id, symbol, buys, price_won, remaining, reserved_won, account_id)
            SELECT o.order_id, r.symbol, TRUE, o.resting_won, o.quantity - o.filled_quantity, o.reserved_won, o.account_id
            FROM orders AS o FORCE INDEX (orders_book_ix)
            WHERE o.symbol = r.symbol AND o.side = 'buy' AND o.resting_won = v_last_won
            ORDER BY o.order_id LIMIT v_limit
            ON DUPLICATE KEY UPDATE remaining = VALUES(remaining);
        ELSE
            INSERT IGNORE INTO batch_book (order_id, symbol, buys, price_won, remaining, reserved_won, account_id)
            SELECT o.order_id, r.symbol, FALSE, o.resting_won, o.quantity - o.filled_quantity, 0, o.account_id
            FROM orders AS o FORCE INDEX (orders_book_ix)
            WHERE o.symbol = r.symbol AND o.side = 'sell' AND o.resting_won <= r.buys_to_won
            ORDER BY o.resting_won, o.order_id LIMIT v_limit;
        END IF;
        SELECT count(*), sum(b.remaining) INTO v_copied, v_shares FROM batch_book AS b WHERE b.symbol = r.symbol AND b.buys = r.buys AND b.remaining > 0;
        IF v_copied >= v_limit AND v_shares < r.wanted THEN
            UPDATE batch_symbols SET is_deep = TRUE WHERE symbol = r.symbol;
        END IF;
    END FOR;
    INSERT IGNORE INTO batch_locks SELECT b.account_id FROM batch_book AS b;
    -- A day that opens or an auction that ends may touch them all.
    FOR r IN (
        SELECT
            y.symbol, CASE WHEN y.is_whole THEN 9223372036854775807 ELSE y.buys_to_won END AS to_won,
            CASE WHEN y.is_whole THEN 0 ELSE y.sells_from_won END AS from_won
        FROM batch_symbols AS y WHERE y.is_whole OR y.is_deep
    ) DO
        INSERT IGNORE INTO batch_locks SELECT o.account_id FROM orders AS o FORCE INDEX (orders_book_ix)
        WHERE o.symbol = r.symbol AND o.side = 'sell' AND o.resting_won <= r.to_won;
        INSERT IGNORE INTO batch_locks SELECT o.account_id FROM orders AS o FORCE INDEX (orders_book_ix)
        WHERE o.symbol = r.symbol AND o.side = 'buy' AND o.resting_won >= r.from_won;
    END FOR;
END;

CREATE OR REPLACE PROCEDURE judge_orders(IN p_orders LONGTEXT CHARACTER SET utf8mb4, IN p_date DATE, IN p_at DATETIME(6))
COMMENT 'Locks what the orders of a batch can touch, opens the day of their symbols, and says of each what can be said before anything is traded; for place_orders'
BEGIN
    DECLARE v_ignored BIGINT;
    -- A text that is too long is cut to one character too many, so that it stays wrong.
    CREATE OR REPLACE TEMPORARY TABLE batch_lines (
        position_no INT NOT NULL PRIMARY KEY, idempotency_key VARCHAR(65) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, account_id BIGINT, symbol VARCHAR(7) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, side VARCHAR(5) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, kind VARCHAR(7) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
        limit_won BIGINT, quantity BIGINT, portfolio_id BIGINT, condition_id BIGINT, prediction_id BIGINT
    ) ENGINE = MEMORY;
    -- What is asked for in each symbol: is_whole where its day or its auction may end, is_deep where more could be met than is copied.
    CREATE OR REPLACE TEMPORARY TABLE batch_symbols (
        symbol VARCHAR(6) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL PRIMARY KEY, is_whole BOOLEAN, is_deep BOOLEAN, buys_to_won BIGINT, sells_from_won BIGINT,
        bought BIGINT, sold BIGINT
    ) ENGINE = MEMORY;
    CREATE OR REPLACE TEMPORARY TABLE batch_locks (account_id BIGINT NOT NULL PRIMARY KEY) ENGINE = MEMORY;
    CREATE OR REPLACE TEMPORARY TABLE batch_accounts (
        account_id BIGINT NOT NULL PRIMARY KEY, user_id BIGINT, status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, tax_exempt BOOLEAN, available_won BIGINT, rate DECIMAL(9, 8)
    ) ENGINE = MEMORY;
    -- The trading day of each symbol, as the turns leave it.
    CREATE OR REPLACE TEMPORARY TABLE batch_issues (
        symbol VARCHAR(6) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL PRIMARY KEY, market VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, listed_shares BIGINT, is_open BOOLEAN, collects BOOLEAN, is_deep BOOLEAN,
        lower_won BIGINT, upper_won BIGINT, tick_won BIGINT, high_tick_from_won BIGINT, high_tick_won BIGINT, sell_tax_rate DECIMAL(9, 8), settles_on DATE,
        available_shares BIGINT, last_won BIGINT, is_traded BOOLEAN
    ) ENGINE = MEMORY;
    -- What rests, of before and of this batch, as the turns leave it; closed_event_id is the last trade.
    CREATE OR REPLACE TEMPORARY TABLE batch_book (
        order_id BIGINT NOT NULL PRIMARY KEY, symbol VARCHAR(6) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, buys BOOLEAN NOT NULL, price_won BIGINT, remaining BIGINT, reserved_won BIGINT, account_id BIGINT,
        is_new BOOLEAN NOT NULL DEFAULT FALSE, closed_event_id BIGINT,
        INDEX batch_book_symbol_ix (symbol, buys)
    ) ENGINE = MEMORY;
    CREATE OR REPLACE TEMPORARY TABLE batch_orders (
        position_no INT NOT NULL PRIMARY KEY, turn INT, is_together BOOLEAN, idempotency_key VARCHAR(65) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, account_id BIGINT, symbol VARCHAR(7) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, side VARCHAR(5) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
        kind VARCHAR(7) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, limit_won BIGINT, quantity BIGINT, portfolio_id BIGINT, condition_id BIGINT, prediction_id BIGINT,
        user_id BIGINT, rate DECIMAL(9, 8), tax_exempt BOOLEAN, reason VARCHAR(24) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, is_recorded BOOLEAN,
        INDEX batch_orders_turn_ix (turn)
    ) ENGINE = MEMORY;
    -- What an order of a turn meets, in order; order_id is NULL for the house, which comes last. An account that sells to one order
    -- more than once does so in the order of sale_no.
    CREATE OR REPLACE TEMPORARY TABLE batch_fills (
        position_no INT NOT NULL, fill_no INT NOT NULL, turn INT, sale_no INT, buys BOOLEAN, symbol VARCHAR(6) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, event_id BIGINT, order_id BIGINT, account_id BIGINT, is_own BOOLEAN,
        price_won BIGINT, quantity BIGINT, left_over BIGINT, released_won BIGINT, fee_won BIGINT, tax_won BIGINT, their_fee_won BIGINT,
        their_tax_won BIGINT, their_reserve_won BIGINT,
        PRIMARY KEY (position_no, fill_no),
        INDEX batch_fills_turn_ix (turn), INDEX batch_fills_position_ix (position_no)
    ) ENGINE = MEMORY;
    -- The answers; turn is NULL where execute_order gave it.
    CREATE OR REPLACE TEMPORARY TABLE batch_done (
        position_no INT NOT NULL PRIMARY KEY, turn INT, order_id BIGINT, status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, reason VARCHAR(24) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, filled_quantity BIGINT,
        value_won BIGINT, fee_won BIGINT, tax_won BIGINT, is_replayed BOOLEAN,
        account_id BIGINT, symbol VARCHAR(6) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, buys BOOLEAN, limit_won BIGINT, quantity BIGINT, rate DECIMAL(9, 8), sell_tax_rate DECIMAL(9, 8), price_won BIGINT,
        available_shares BIGINT, meetings INT, house BIGINT, house_fee_won BIGINT, house_tax_won BIGINT, reserve_won BIGINT, settles_on DATE,
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
    INSERT INTO batch_locks SELECT DISTINCT l.account_id FROM batch_lines AS l WHERE l.account_id IS NOT NULL;
    CALL copy_book(p_date);
    SELECT count(a.cash_won) INTO v_ignored
    FROM (SELECT b.account_id FROM batch_locks AS b ORDER BY b.account_id LIMIT 9223372036854775807) AS d
    STRAIGHT_JOIN accounts AS a ON a.account_id = d.account_id
    FOR UPDATE;
    FOR r IN (
        SELECT y.symbol
        FROM batch_symbols AS y
        JOIN stock_inventory AS i ON i.symbol = y.symbol
        JOIN stocks AS k ON k.symbol = i.symbol
        WHERE y.is_whole AND i.quote_date < p_date AND session_open(k.market, p_date, p_at)
        ORDER BY y.symbol
    ) DO
        CALL open_day(r.symbol, p_date, p_at);
    END FOR;

    INSERT INTO batch_accounts
    SELECT a.account_id, a.user_id, a.status, a.tax_exempt, a.cash_won - a.reserved_won, f.rate
    FROM batch_locks AS b
    STRAIGHT_JOIN accounts AS a ON a.account_id = b.account_id
    LEFT JOIN (
        SELECT b.broker_id, (SELECT f.commission_rate FROM fee_schedules AS f
            WHERE f.broker_id = b.broker_id AND f.valid_from <= p_date ORDER BY f.valid_from DESC LIMIT 1) AS rate
        FROM brokers AS b GROUP BY b.broker_id
    ) AS f ON f.broker_id = a.broker_id
    WHERE a.kind = 'customer';
    INSERT INTO batch_issues
    SELECT
        i.symbol, k.market, k.status, k.listed_shares, m.is_open AND i.quote_date <= p_date, i.auction_id IS NOT NULL OR coalesce(m.collects, FALSE), y.is_deep,
        i.lower_won, i.upper_won, i.tick_won, i.high_tick_from_won, i.high_tick_won, i.sell_tax_rate, i.settles_on, i.available_shares, i.last_won, FALSE
    FROM batch_symbols AS y
    STRAIGHT_JOIN stock_inventory AS i ON i.symbol = y.symbol
    STRAIGHT_JOIN stocks AS k ON k.symbol = i.symbol
    LEFT JOIN (
        SELECT p.market, session_open(p.market, p_date, p_at) AS is_open, auction_open(p.market, p_date, p_at) AS collects
        FROM price_limits AS p GROUP BY p.market
    ) AS m ON m.market = k.market;
    INSERT INTO batch_orders
    SELECT
        s.position_no, row_number() OVER (PARTITION BY s.symbol, s.is_recorded ORDER BY s.position_no),
        min(NOT s.is_recorded OR (NOT s.is_replay AND NOT s.collects AND NOT s.is_deep AND (s.reason IS NOT NULL OR coalesce(s.asked_won, 0) <= s.available_won))) OVER (PARTITION BY s.symbol),
        s.idempotency_key, s.account_id, s.symbol, s.side, s.kind, s.limit_won, s.quantity, s.portfolio_id, s.condition_id, s.prediction_id,
        s.user_id, s.rate, s.tax_exempt, s.reason, s.is_recorded
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
                l.*, a.user_id, a.rate, a.tax_exempt, a.available_won, o.order_id IS NOT NULL AS is_placed,
                CASE
                    WHEN l.quantity IS NULL OR l.quantity < 1 OR (l.quantity > l.listed_shares AND l.status <> 'delisted') THEN 'bad_quantity'
                    WHEN (l.side IN ('buy', 'sell') AND char_length(l.idempotency_key) BETWEEN 1 AND 64
                        AND (l.kind = 'limit' AND l.limit_won >= 1 OR l.kind = 'market' AND l.limit_won IS NULL)) IS NOT TRUE THEN 'bad_request'
                    WHEN l.market IS NULL THEN 'unknown_symbol'
                    WHEN a.account_id IS NULL THEN 'unknown_account'
                    WHEN a.status <> 'active' THEN 'account_inactive'
                    WHEN l.status = 'delisted' THEN 'delisted'
                    WHEN l.status = 'halted' THEN 'halted'
                    WHEN NOT l.is_open OR l.tick_won IS NULL OR a.rate IS NULL THEN 'closed_session'
                    WHEN l.limit_won % l.tick_won <> 0 THEN 'off_tick'
                    WHEN l.limit_won < l.lower_won OR l.limit_won > l.upper_won THEN 'outside_price_limit'
                END AS reason
            FROM (
                SELECT
                    b.*, i.market, i.status, i.listed_shares, i.is_open, i.collects, i.is_deep, i.lower_won, i.upper_won,
                    -- The row of the issue tells the steps within the limits of its day.
                    CASE
                        WHEN i.tick_won IS NULL OR b.limit_won NOT BETWEEN i.lower_won AND i.upper_won
                            THEN (SELECT t.tick_won FROM tick_sizes AS t
                                WHERE t.market = i.market AND t.valid_from <= p_date AND t.price_from_won <= coalesce(b.limit_won, 1)
                                ORDER BY t.valid_from DESC, t.price_from_won DESC LIMIT 1)
                        WHEN b.limit_won >= i.high_tick_from_won THEN i.high_tick_won
                        ELSE i.tick_won
                    END AS tick_won
                FROM batch_lines AS b LEFT JOIN batch_issues AS i ON i.symbol = b.symbol
            ) AS l
            LEFT JOIN batch_accounts AS a ON a.account_id = l.account_id
            LEFT JOIN orders AS o ON o.account_id = l.account_id AND o.idempotency_key = l.idempotency_key
        ) AS q
    ) AS s;
END;

CREATE OR REPLACE PROCEDURE place_turn(IN p_turn INT, IN p_date DATE)
COMMENT 'Places the orders of a turn, each for another symbol, all together; writes positions, and leaves what else came of them in its tables; for place_orders'
BEGIN
    DECLARE v_meetings INT DEFAULT 0;
    DECLARE v_sales INT DEFAULT 1;
    INSERT INTO batch_fills
    SELECT
        m.position_no, m.n, p_turn, 1, m.buys, m.symbol, NULL, m.order_id, m.account_id, c.user_id = m.user_id, m.price_won, m.met, m.remaining - m.met, m.reserved_won,
        floor(m.price_won * m.met * m.rate), CASE WHEN m.buys OR m.tax_exempt THEN 0 ELSE floor(m.price_won * m.met * m.sell_tax_rate) END,
        floor(m.price_won * m.met * c.rate), CASE WHEN m.buys AND NOT c.tax_exempt THEN floor(m.price_won * m.met * m.sell_tax_rate) ELSE 0 END,
        CASE WHEN m.buys THEN 0 ELSE m.price_won * (m.remaining - m.met) + floor(m.price_won * (m.remaining - m.met) * c.rate) END
    FROM (
        SELECT o.*, least(o.remaining, o.quantity - (o.so_far - o.remaining)) AS met
        FROM (
            SELECT
                b.position_no, b.symbol, b.side = 'buy' AS buys, b.user_id, b.rate, b.tax_exempt, b.quantity, i.sell_tax_rate,
                k.order_id, k.account_id, k.price_won, k.remaining, k.reserved_won,
                row_number() OVER best AS n, sum(k.remaining) OVER best AS so_far
            FROM batch_orders AS b
            STRAIGHT_JOIN batch_issues AS i ON i.symbol = b.symbol
            STRAIGHT_JOIN batch_book AS k ON k.symbol = i.symbol AND k.buys = (b.side = 'sell')
            WHERE
                b.turn = p_turn AND b.is_together AND b.is_recorded AND b.reason IS NULL AND k.remaining > 0
                AND CASE WHEN b.side = 'buy' THEN k.price_won <= coalesce(b.limit_won, i.upper_won) ELSE k.price_won >= coalesce(b.limit_won, i.lower_won) END
            WINDOW best AS (PARTITION BY b.position_no ORDER BY CASE WHEN b.side = 'buy' THEN k.price_won ELSE -k.price_won END, k.order_id)
        ) AS o
        WHERE o.so_far - o.remaining < o.quantity
    ) AS m
    STRAIGHT_JOIN batch_accounts AS c ON c.account_id = m.account_id;
    SET v_meetings = row_count();

    INSERT INTO batch_done (position_no, turn, reason, filled_quantity, value_won, fee_won, tax_won, is_replayed, account_id, symbol, buys, limit_won,
        quantity, rate, sell_tax_rate, price_won, available_shares, meetings, settles_on)
    SELECT
        b.position_no, p_turn,
        CASE
            WHEN b.reason IS NOT NULL THEN b.reason
            WHEN b.side = 'sell' AND coalesce(p.quantity - p.reserved_quantity, 0) < b.quantity THEN 'insufficient_shares'
            WHEN f.is_own THEN 'self_match'
        END,
        coalesce(f.met, 0), coalesce(f.value_won, 0), coalesce(f.fee_won, 0), coalesce(f.tax_won, 0), FALSE, b.account_id, b.symbol, b.side = 'buy', b.limit_won,
        b.quantity, b.rate, CASE WHEN b.side = 'buy' OR b.tax_exempt THEN 0 ELSE i.sell_tax_rate END,
        coalesce(CASE WHEN b.side = 'buy' THEN f.highest_won ELSE f.lowest_won END, i.last_won), i.available_shares, f.meetings, i.settles_on
    FROM batch_orders AS b
    STRAIGHT_JOIN batch_issues AS i ON i.symbol = b.symbol
    LEFT JOIN positions AS p ON b.side = 'sell' AND p.account_id = b.account_id AND p.symbol = b.symbol
    LEFT JOIN (
        SELECT e.position_no, count(*) AS meetings, sum(e.quantity) AS met, sum(e.price_won * e.quantity) AS value_won, sum(e.fee_won) AS fee_won,
            sum(e.tax_won) AS tax_won, max(e.price_won) AS highest_won, min(e.price_won) AS lowest_won, max(e.is_own) AS is_own
        FROM batch_fills AS e WHERE e.turn = p_turn GROUP BY e.position_no
    ) AS f ON f.position_no = b.position_no
    WHERE b.turn = p_turn AND b.is_together AND b.is_recorded;
    IF v_meetings > 0 AND EXISTS (SELECT 1 FROM batch_done AS d WHERE d.turn = p_turn AND d.reason IS NOT NULL AND d.filled_quantity > 0) THEN
        -- A table of the MEMORY engine that is read by an index while rows of it are deleted skips some: the table to delete
        -- from comes second, so that the server finds all of the rows before it deletes the first.
        DELETE f FROM batch_done AS d STRAIGHT_JOIN batch_fills AS f ON f.position_no = d.position_no WHERE d.turn = p_turn AND d.reason IS NOT NULL;
    END IF;
    -- MariaDB assigns from left to right: filled_quantity is what was met until the house comes to it.
    UPDATE batch_done SET
        house = CASE
            WHEN reason IS NOT NULL THEN 0
            WHEN buys AND price_won <= coalesce(limit_won, price_won) THEN least(quantity - filled_quantity, available_shares)
            WHEN NOT buys AND price_won >= coalesce(limit_won, price_won) THEN quantity - filled_quantity
            ELSE 0
        END,
        house_fee_won = floor(price_won * house * rate),
        house_tax_won = floor(price_won * house * sell_tax_rate),
        filled_quantity = CASE WHEN reason IS NULL THEN filled_quantity + house ELSE 0 END,
        value_won = CASE WHEN reason IS NULL THEN value_won + price_won * house ELSE 0 END,
        fee_won = CASE WHEN reason IS NULL THEN fee_won + house_fee_won ELSE 0 END,
        tax_won = CASE WHEN reason IS NULL THEN tax_won + house_tax_won ELSE 0 END,
        status = CASE
            WHEN reason IS NOT NULL THEN 'rejected' WHEN filled_quantity = quantity THEN 'filled' WHEN limit_won IS NULL THEN 'cancelled' ELSE 'open'
        END,
        reason = CASE WHEN status = 'cancelled' THEN 'no_liquidity' ELSE reason END,
        reserve_won = CASE WHEN status = 'open' AND buys
            THEN limit_won * (quantity - filled_quantity) + floor(limit_won * (quantity - filled_quantity) * rate) ELSE 0 END,
        order_id = NEXTVAL(event_ids)
    WHERE turn = p_turn ORDER BY position_no;
    INSERT INTO batch_fills
    SELECT d.position_no, 1000000, p_turn, 1, d.buys, d.symbol, NULL, NULL, 1, FALSE, d.price_won, d.house, 0, 0, d.house_fee_won, d.house_tax_won, 0, 0, 0
    FROM batch_done AS d WHERE d.turn = p_turn AND d.house > 0;
    UPDATE batch_fills SET event_id = NEXTVAL(event_ids) WHERE turn = p_turn ORDER BY position_no, fill_no;

    INSERT INTO positions (account_id, symbol, quantity, cost_won)
    SELECT d.account_id, d.symbol, d.filled_quantity, d.value_won FROM batch_done AS d WHERE d.turn = p_turn AND d.value_won > 0 AND d.buys
    ON DUPLICATE KEY UPDATE positions.quantity = positions.quantity + VALUES(quantity), positions.cost_won = positions.cost_won + VALUES(cost_won);
    -- The cost is cut by the quantity before it changes.
    UPDATE batch_done AS d STRAIGHT_JOIN positions AS p ON p.account_id = d.account_id AND p.symbol = d.symbol
    SET
        p.cost_won = p.cost_won - CAST(p.cost_won AS DECIMAL(38, 0)) * d.filled_quantity DIV p.quantity,
        p.quantity = p.quantity - d.filled_quantity,
        p.reserved_quantity = p.reserved_quantity + CASE WHEN d.status = 'open' THEN d.quantity - d.filled_quantity ELSE 0 END
    WHERE d.turn = p_turn AND NOT d.buys AND (d.status = 'open' OR d.value_won > 0);
    UPDATE batch_done AS d STRAIGHT_JOIN batch_issues AS i ON i.symbol = d.symbol
    SET i.available_shares = i.available_shares + CASE WHEN d.buys THEN -d.house ELSE d.house END, i.last_won = d.price_won, i.is_traded = TRUE
    WHERE d.turn = p_turn AND d.value_won > 0;
    IF v_meetings > 0 THEN
        UPDATE batch_fills AS f STRAIGHT_JOIN batch_book AS k ON k.order_id = f.order_id
        SET k.remaining = f.left_over, k.reserved_won = f.their_reserve_won, k.closed_event_id = f.event_id
        WHERE f.turn = p_turn;
        INSERT INTO positions (account_id, symbol, quantity, cost_won)
        SELECT f.account_id, f.symbol, f.quantity, f.price_won * f.quantity
        FROM batch_fills AS f WHERE f.turn = p_turn AND f.order_id IS NOT NULL AND NOT f.buys
        ON DUPLICATE KEY UPDATE positions.quantity = positions.quantity + VALUES(quantity), positions.cost_won = positions.cost_won + VALUES(cost_won);
        -- What an account's shares cost is cut off at each sale: one after the other.
        IF EXISTS (
            SELECT 1 FROM batch_fills AS f STRAIGHT_JOIN batch_fills AS e ON e.position_no = f.position_no
            WHERE f.turn = p_turn AND f.buys AND e.account_id = f.account_id AND e.fill_no > f.fill_no
        ) THEN
            UPDATE (
                SELECT f.position_no, f.fill_no, row_number() OVER (PARTITION BY f.position_no, f.account_id ORDER BY f.fill_no) AS n
                FROM batch_fills AS f WHERE f.turn = p_turn AND f.order_id IS NOT NULL AND f.buys
            ) AS s
            STRAIGHT_JOIN batch_fills AS f ON f.position_no = s.position_no AND f.fill_no = s.fill_no
            SET f.sale_no = s.n;
            SELECT max(f.sale_no) INTO v_sales FROM batch_fills AS f WHERE f.turn = p_turn;
        END IF;
        FOR n IN 1 .. v_sales DO
            UPDATE batch_fills AS f STRAIGHT_JOIN positions AS p ON p.account_id = f.account_id AND p.symbol = f.symbol
            SET
                p.cost_won = p.cost_won - CAST(p.cost_won AS DECIMAL(38, 0)) * f.quantity DIV p.quantity,
                p.quantity = p.quantity - f.quantity,
                p.reserved_quantity = p.reserved_quantity - f.quantity
            WHERE f.turn = p_turn AND f.order_id IS NOT NULL AND f.buys AND f.sale_no = n;
        END FOR;
    END IF;
    INSERT INTO batch_book (order_id, symbol, buys, price_won, remaining, reserved_won, account_id, is_new)
    SELECT d.order_id, d.symbol, d.buys, d.limit_won, d.quantity - d.filled_quantity, d.reserve_won, d.account_id, TRUE
    FROM batch_done AS d WHERE d.turn = p_turn AND d.status = 'open';
END;

CREATE OR REPLACE PROCEDURE write_turns(IN p_date DATE, IN p_at DATETIME(6))
COMMENT 'Writes what the turns of a batch left in its tables: orders, trades, cash, prices, and the journal; for place_orders'
BEGIN
    INSERT INTO orders (order_id, account_id, idempotency_key, symbol, side, kind, limit_won, quantity, filled_quantity, reserved_won,
        status, reason, portfolio_id, condition_id, prediction_id, business_date, placed_at, closed_event_id)
    SELECT
        d.order_id, b.account_id, b.idempotency_key, b.symbol, b.side, b.kind, b.limit_won, b.quantity,
        CASE WHEN k.order_id IS NULL THEN d.filled_quantity ELSE d.quantity - k.remaining END, coalesce(k.reserved_won, 0),
        CASE WHEN k.remaining = 0 THEN 'filled' ELSE d.status END, d.reason, b.portfolio_id, b.condition_id, b.prediction_id, p_date, p_at,
        CASE WHEN k.order_id IS NULL THEN coalesce(f.event_id, d.order_id) WHEN k.remaining = 0 THEN k.closed_event_id END
    FROM batch_done AS d
    STRAIGHT_JOIN batch_orders AS b ON b.position_no = d.position_no
    LEFT JOIN batch_book AS k ON k.order_id = d.order_id
    LEFT JOIN batch_fills AS f ON f.position_no = d.position_no AND f.fill_no = CASE WHEN d.house > 0 THEN 1000000 ELSE d.meetings END
    WHERE d.turn IS NOT NULL;
    UPDATE batch_book AS k STRAIGHT_JOIN orders AS o ON o.order_id = k.order_id
    SET
        o.filled_quantity = o.quantity - k.remaining,
        o.reserved_won = k.reserved_won,
        o.status = CASE WHEN k.remaining = 0 THEN 'filled' ELSE 'open' END,
        o.closed_event_id = CASE WHEN k.remaining = 0 THEN k.closed_event_id END
    WHERE k.closed_event_id IS NOT NULL AND NOT k.is_new;
    INSERT INTO trades (trade_id, symbol, buy_order_id, sell_order_id, taker_side, price_won, quantity,
        buy_fee_won, sell_fee_won, sell_tax_won, business_date, settles_on, traded_at)
    SELECT
        f.event_id, f.symbol, CASE WHEN f.buys THEN d.order_id ELSE f.order_id END, CASE WHEN f.buys THEN f.order_id ELSE d.order_id END,
        CASE WHEN f.buys THEN 'buy' ELSE 'sell' END, f.price_won, f.quantity, CASE WHEN f.buys THEN f.fee_won ELSE f.their_fee_won END,
        CASE WHEN f.buys THEN f.their_fee_won ELSE f.fee_won END, f.tax_won + f.their_tax_won, p_date, d.settles_on, p_at
    FROM batch_fills AS f
    STRAIGHT_JOIN batch_done AS d ON d.position_no = f.position_no;
    UPDATE (
        SELECT u.account_id, sum(u.cash_won) AS cash_won, sum(u.reserve_won) AS reserve_won
        FROM (
            SELECT d.account_id, CASE WHEN d.buys THEN -d.value_won ELSE d.value_won END - d.fee_won - d.tax_won AS cash_won, d.reserve_won
            FROM batch_done AS d WHERE d.value_won > 0 OR d.reserve_won > 0
            UNION ALL
            SELECT f.account_id,
                CASE WHEN f.buys THEN f.price_won * f.quantity ELSE -f.price_won * f.quantity END - f.their_fee_won - f.their_tax_won,
                f.their_reserve_won - f.released_won
            FROM batch_fills AS f WHERE f.order_id IS NOT NULL
        ) AS u
        GROUP BY u.account_id
    ) AS s STRAIGHT_JOIN accounts AS a ON a.account_id = s.account_id
    SET a.cash_won = a.cash_won + s.cash_won, a.reserved_won = a.reserved_won + s.reserve_won;
    UPDATE batch_issues AS b STRAIGHT_JOIN stock_inventory AS i ON i.symbol = b.symbol
    SET i.available_shares = b.available_shares, i.last_won = b.last_won
    WHERE b.is_traded;
    INSERT INTO journal_entries (journal_id, leg, business_date, account_id, asset, amount, kind)
    SELECT f.event_id, 1, p_date, d.account_id, 'KRW', CASE WHEN f.buys THEN -f.price_won * f.quantity ELSE f.price_won * f.quantity END - f.fee_won - f.tax_won, 'trade' FROM batch_fills AS f STRAIGHT_JOIN batch_done AS d ON d.position_no = f.position_no WHERE CASE WHEN f.buys THEN -f.price_won * f.quantity ELSE f.price_won * f.quantity END - f.fee_won - f.tax_won <> 0
    UNION ALL
    SELECT f.event_id, 2, p_date, f.account_id, 'KRW', CASE WHEN f.buys THEN f.price_won * f.quantity ELSE -f.price_won * f.quantity END - f.their_fee_won - f.their_tax_won, 'trade' FROM batch_fills AS f WHERE CASE WHEN f.buys THEN f.price_won * f.quantity ELSE -f.price_won * f.quantity END - f.their_fee_won - f.their_tax_won <> 0
    UNION ALL
    SELECT f.event_id, 3, p_date, d.account_id, f.symbol, CASE WHEN f.buys THEN f.quantity ELSE -f.quantity END, 'trade' FROM batch_fills AS f STRAIGHT_JOIN batch_done AS d ON d.position_no = f.position_no
    UNION ALL
    SELECT f.event_id, 4, p_date, f.account_id, f.symbol, CASE WHEN f.buys THEN -f.quantity ELSE f.quantity END, 'trade' FROM batch_fills AS f
    UNION ALL
    SELECT f.event_id, 5, p_date, 2, 'KRW', f.fee_won + f.their_fee_won, 'fee' FROM batch_fills AS f WHERE f.fee_won + f.their_fee_won <> 0
    UNION ALL
    SELECT f.event_id, 6, p_date, 3, 'KRW', f.tax_won + f.their_tax_won, 'tax' FROM batch_fills AS f WHERE f.tax_won + f.their_tax_won <> 0;
END;

CREATE OR REPLACE PROCEDURE place_orders(IN p_orders LONGTEXT CHARACTER SET utf8mb4, IN p_business_date DATE, IN p_at DATETIME(6))
COMMENT 'Places up to 1,000 orders in one transaction, one answer for each, as if they came in the order of the array'
BEGIN
    DECLARE c_shortest_turn INT DEFAULT 3;
    DECLARE v_at DATETIME(6) DEFAULT coalesce(p_at, utc_timestamp(6));
    DECLARE v_date DATE DEFAULT coalesce(p_business_date, date(v_at + INTERVAL 9 HOUR));
    DECLARE v_message VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
    DECLARE v_turns INT DEFAULT 0;
    DECLARE v_first BIGINT;
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
    SELECT count(*) INTO v_turns
    FROM (
        SELECT b.turn FROM batch_orders AS b WHERE b.is_together AND b.is_recorded GROUP BY b.turn HAVING count(*) >= c_shortest_turn
    ) AS long_ones;
    IF v_turns > 0 THEN
        FOR n IN 1 .. v_turns DO
            CALL place_turn(n, v_date);
        END FOR;
        CALL write_turns(v_date, v_at);
    END IF;
    FOR r IN (
        SELECT b.*
        FROM batch_orders AS b LEFT JOIN batch_done AS d ON d.position_no = b.position_no
        WHERE d.position_no IS NULL
        ORDER BY b.position_no
    ) DO
        CALL execute_order(r.idempotency_key, r.account_id, r.symbol, r.side, r.kind, r.limit_won, r.quantity, v_date, v_at,
            r.portfolio_id, r.condition_id, r.prediction_id, TRUE, TRUE, v_answer);
        INSERT INTO batch_done (position_no, order_id, status, reason, filled_quantity, value_won, fee_won, tax_won, is_replayed)
        VALUES (r.position_no, v_answer.order_id, v_answer.status, v_answer.reason, v_answer.filled_quantity, v_answer.filled_value_won, v_answer.fee_won,
            v_answer.tax_won, v_answer.replayed);
    END FOR;

    INSERT INTO audit_log (audit_id, business_date, user_id, action, entity, entity_id, detail)
    SELECT
        d.order_id, v_date, b.user_id, 'place', 'order', d.order_id,
        CASE WHEN d.status = 'rejected'
            THEN concat_ws(' ', b.side, b.kind, b.symbol, b.quantity, 'at', coalesce(b.limit_won, 'market'), d.status, d.reason)
            ELSE concat_ws(' ', b.side, b.kind, b.symbol, b.quantity, 'at', coalesce(b.limit_won, 'market'), d.status,
                'filled', d.filled_quantity, 'for', d.value_won) END
    FROM batch_done AS d STRAIGHT_JOIN batch_orders AS b ON b.position_no = d.position_no
    WHERE d.order_id IS NOT NULL AND NOT d.is_replayed;
    -- The symbols are ours: whatever was traded of them since the first order that execute_order placed is of this batch; an auction wrote
    -- its own.
    SELECT min(d.order_id) INTO v_first FROM batch_done AS d WHERE NOT d.is_replayed AND d.turn IS NULL;
    IF v_first IS NOT NULL THEN
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
                SELECT DISTINCT b.symbol
                FROM batch_done AS d STRAIGHT_JOIN batch_orders AS b ON b.position_no = d.position_no
                WHERE d.turn IS NULL AND d.value_won > 0
            ) AS y
            STRAIGHT_JOIN trades AS t FORCE INDEX (trades_symbol_ix) ON t.symbol = y.symbol AND t.trade_id > v_first AND t.auction_id IS NULL
            LEFT JOIN orders AS b ON b.order_id = t.buy_order_id
            LEFT JOIN orders AS s ON s.order_id = t.sell_order_id
            STRAIGHT_JOIN (SELECT 1 AS leg UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6) AS l
        ) AS e
        WHERE e.amount <> 0;
    END IF;
    COMMIT;
    SELECT d.position_no, d.status, d.reason, d.order_id, d.filled_quantity, d.value_won AS filled_value_won, d.fee_won, d.tax_won, d.is_replayed AS replayed
    FROM batch_done AS d ORDER BY d.position_no;
    CALL forget_batch();
END;
