-- requires: R__place_order.sql
-- Many orders in one transaction: same rules, same books, one answer for each order.
--
-- All symbols are locked first, in order, then every account that any of the orders can touch, in order; then the
-- orders run one after the other as they stand in the array. Nobody else trades these symbols meanwhile: keep to
-- 1,000 orders. The journal and the audit rows are written at the end by one statement each, from the trades and the
-- answers: nothing reads them before, and rows cost less than statements.

CREATE OR REPLACE PROCEDURE place_orders(IN p_orders LONGTEXT CHARACTER SET utf8mb4, IN p_business_date DATE, IN p_at DATETIME(6))
COMMENT 'Places up to 1,000 orders in one transaction, in the order of the array, one answer for each'
BEGIN
    DECLARE v_at DATETIME(6) DEFAULT coalesce(p_at, utc_timestamp(6));
    DECLARE v_date DATE DEFAULT coalesce(p_business_date, date(v_at + INTERVAL 9 HOUR));
    DECLARE v_message VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
    DECLARE v_available_shares, v_last_won, v_available_won, v_available_quantity, v_same_key, v_first BIGINT;
    DECLARE v_order_id, v_filled_quantity, v_filled_value_won, v_fee_won, v_tax_won, v_ignored BIGINT;
    DECLARE v_status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
    DECLARE v_reason VARCHAR(24) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
    DECLARE v_replayed BOOLEAN;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        DROP TEMPORARY TABLE IF EXISTS batch_orders;
        RESIGNAL;
    END;
    IF coalesce(json_type(p_orders), 'NULL') <> 'ARRAY' OR json_length(p_orders) > 1000 THEN
        SET v_message = concat('place_orders takes an array of 1000 orders at most, got ', coalesce(json_length(p_orders), 'no JSON'));
        SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = v_message;
    END IF;
    -- Private to the session. A text that is too long is cut to one character too many, so that it stays wrong.
    CREATE OR REPLACE TEMPORARY TABLE batch_orders (
        position_no INT NOT NULL PRIMARY KEY,
        idempotency_key VARCHAR(65) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
        account_id BIGINT,
        symbol VARCHAR(7) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
        side VARCHAR(5) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
        kind VARCHAR(7) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
        limit_won BIGINT,
        quantity BIGINT,
        portfolio_id BIGINT,
        condition_id BIGINT,
        prediction_id BIGINT,
        status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
        reason VARCHAR(24) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin,
        order_id BIGINT,
        user_id BIGINT,
        filled_quantity BIGINT,
        filled_value_won BIGINT,
        fee_won BIGINT,
        tax_won BIGINT,
        replayed BOOLEAN
    ) ENGINE = MEMORY;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    START TRANSACTION;
    INSERT INTO batch_orders (position_no, idempotency_key, account_id, symbol, side, kind, limit_won, quantity,
        portfolio_id, condition_id, prediction_id, status, reason, replayed)
    SELECT
        j.position_no, left(j.idempotency_key, 65), j.account_id, left(j.symbol, 7), left(j.side, 5), left(j.kind, 7), j.limit_won, j.quantity,
        j.portfolio_id, j.condition_id, j.prediction_id, 'rejected', request_fault(j.idempotency_key, j.side, j.kind, j.limit_won, j.quantity), FALSE
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
    SELECT count(*) INTO v_ignored
    FROM (SELECT DISTINCT b.symbol FROM batch_orders AS b WHERE b.symbol IS NOT NULL ORDER BY b.symbol LIMIT 1000) AS d
    STRAIGHT_JOIN stock_inventory AS i ON i.symbol = d.symbol
    FOR UPDATE;
    SELECT count(*) INTO v_ignored
    FROM (
        SELECT u.account_id
        FROM (
            SELECT b.account_id FROM batch_orders AS b WHERE b.account_id IS NOT NULL
            UNION
            SELECT o.account_id
            FROM (
                SELECT b.symbol, max(CASE WHEN b.side = 'buy' THEN coalesce(b.limit_won, 9223372036854775807) END) AS buys_to_won
                FROM batch_orders AS b WHERE b.symbol IS NOT NULL GROUP BY b.symbol
            ) AS d
            STRAIGHT_JOIN stock_inventory AS i ON i.symbol = d.symbol
            STRAIGHT_JOIN orders AS o FORCE INDEX (orders_book_ix) ON o.symbol = d.symbol AND o.side = 'sell'
                AND o.resting_won <= CASE WHEN i.quote_date < v_date THEN 9223372036854775807 ELSE d.buys_to_won END
            UNION
            SELECT o.account_id
            FROM (
                SELECT b.symbol, min(CASE WHEN b.side = 'sell' THEN coalesce(b.limit_won, 0) END) AS sells_from_won
                FROM batch_orders AS b WHERE b.symbol IS NOT NULL GROUP BY b.symbol
            ) AS d
            STRAIGHT_JOIN stock_inventory AS i ON i.symbol = d.symbol
            STRAIGHT_JOIN orders AS o FORCE INDEX (orders_book_ix) ON o.symbol = d.symbol AND o.side = 'buy'
                AND o.resting_won >= CASE WHEN i.quote_date < v_date THEN 0 ELSE d.sells_from_won END
        ) AS u
        ORDER BY u.account_id LIMIT 9223372036854775807
    ) AS d
    STRAIGHT_JOIN accounts AS a ON a.account_id = d.account_id
    FOR UPDATE;
    FOR r IN (
        SELECT i.symbol
        FROM (SELECT DISTINCT b.symbol FROM batch_orders AS b WHERE b.symbol IS NOT NULL) AS d
        STRAIGHT_JOIN stock_inventory AS i ON i.symbol = d.symbol
        STRAIGHT_JOIN stocks AS k ON k.symbol = i.symbol
        WHERE i.quote_date < v_date AND session_open(k.market, v_date, v_at)
        ORDER BY i.symbol
    ) DO
        CALL open_day(r.symbol, v_date, v_at);
    END FOR;

    FOR r IN (
        SELECT b.*, k.listed_shares, a.user_id AS owner_id, a.tax_exempt, a.rate, i.lower_won, i.upper_won, i.settles_on, i.sell_tax_rate,
            order_fault(a.status, k.status, m.is_open AND i.quote_date = v_date, a.rate,
                (SELECT t.tick_won FROM tick_sizes AS t
                    WHERE t.market = k.market AND t.valid_from <= v_date AND t.price_from_won <= coalesce(b.limit_won, 1)
                    ORDER BY t.valid_from DESC, t.price_from_won DESC LIMIT 1),
                b.limit_won, i.lower_won, i.upper_won) AS fault
        FROM batch_orders AS b
        LEFT JOIN stock_inventory AS i ON i.symbol = b.symbol
        LEFT JOIN stocks AS k ON k.symbol = i.symbol
        LEFT JOIN (
            SELECT s.market, session_open(s.market, v_date, v_at) AS is_open FROM (SELECT DISTINCT p.market FROM price_limits AS p) AS s
        ) AS m ON m.market = k.market
        LEFT JOIN (
            SELECT c.account_id, c.user_id, c.tax_exempt, c.status,
                (SELECT f.commission_rate FROM fee_schedules AS f
                    WHERE f.broker_id = c.broker_id AND f.valid_from <= v_date ORDER BY f.valid_from DESC LIMIT 1) AS rate
            FROM accounts AS c WHERE c.kind = 'customer'
        ) AS a ON a.account_id = b.account_id
        ORDER BY b.position_no
    ) DO
        IF r.reason IS NULL AND r.listed_shares IS NULL THEN
            UPDATE batch_orders SET reason = 'unknown_symbol' WHERE position_no = r.position_no;
        ELSEIF r.reason IS NULL THEN
            SET v_available_won = NULL, v_available_quantity = NULL, v_same_key = NULL;
            SELECT i.available_shares, i.last_won, c.cash_won - c.reserved_won, p.quantity - p.reserved_quantity, o.order_id
            INTO v_available_shares, v_last_won, v_available_won, v_available_quantity, v_same_key
            FROM stock_inventory AS i
            LEFT JOIN accounts AS c ON c.account_id = r.account_id
            LEFT JOIN positions AS p ON p.account_id = r.account_id AND p.symbol = i.symbol
            LEFT JOIN orders AS o ON o.account_id = r.account_id AND o.idempotency_key = r.idempotency_key
            WHERE i.symbol = r.symbol;
            CALL execute_order(r.idempotency_key, r.account_id, r.symbol, r.side, r.kind, r.limit_won, r.quantity, v_date, v_at,
                r.portfolio_id, r.condition_id, r.prediction_id, v_same_key, r.fault, r.owner_id, r.tax_exempt, r.rate, r.listed_shares,
                r.lower_won, r.upper_won, r.settles_on, r.sell_tax_rate, v_available_shares, v_last_won, v_available_quantity, v_available_won, TRUE,
                v_status, v_reason, v_order_id, v_filled_quantity, v_filled_value_won, v_fee_won, v_tax_won, v_replayed);
            IF v_first IS NULL AND NOT v_replayed THEN
                SET v_first = v_order_id;
            END IF;
            UPDATE batch_orders SET status = v_status, reason = v_reason, order_id = v_order_id, user_id = r.owner_id,
                filled_quantity = v_filled_quantity, filled_value_won = v_filled_value_won, fee_won = v_fee_won, tax_won = v_tax_won,
                replayed = v_replayed
            WHERE position_no = r.position_no;
        END IF;
    END FOR;

    INSERT INTO audit_log (audit_id, business_date, user_id, action, entity, entity_id, detail)
    SELECT b.order_id, v_date, b.user_id, 'place', 'order', b.order_id,
        placed_detail(b.side, b.kind, b.symbol, b.quantity, b.limit_won, b.status, b.reason, b.filled_quantity, b.filled_value_won)
    FROM batch_orders AS b WHERE b.order_id IS NOT NULL AND NOT b.replayed
    ORDER BY b.position_no;
    -- The symbols are ours: whatever was traded of them since the first order is of this batch.
    INSERT INTO journal_entries (journal_id, leg, business_date, account_id, asset, amount, kind)
    SELECT e.trade_id, e.leg, v_date, e.account_id, e.asset, e.amount, e.kind
    FROM (
        SELECT
            t.trade_id, l.leg,
            CASE l.leg WHEN 5 THEN 2 WHEN 6 THEN 3 ELSE coalesce(CASE WHEN (t.taker_side = 'buy') = (l.leg IN (1, 3)) THEN b.account_id ELSE s.account_id END, 1) END AS account_id,
            CASE WHEN l.leg IN (3, 4) THEN t.symbol ELSE 'KRW' END AS asset,
            CASE
                WHEN l.leg = 5 THEN t.buy_fee_won + t.sell_fee_won
                WHEN l.leg = 6 THEN t.sell_tax_won
                WHEN (t.taker_side = 'buy') = (l.leg IN (1, 3)) THEN CASE WHEN l.leg < 3 THEN -t.value_won - t.buy_fee_won ELSE t.quantity END
                ELSE CASE WHEN l.leg < 3 THEN t.value_won - t.sell_fee_won - t.sell_tax_won ELSE -t.quantity END
            END AS amount,
            CASE l.leg WHEN 5 THEN 'fee' WHEN 6 THEN 'tax' ELSE 'trade' END AS kind
        FROM (SELECT DISTINCT q.symbol FROM batch_orders AS q WHERE q.filled_value_won > 0) AS d
        STRAIGHT_JOIN trades AS t FORCE INDEX (trades_symbol_ix) ON t.symbol = d.symbol AND t.trade_id > v_first
        LEFT JOIN orders AS b ON b.order_id = t.buy_order_id
        LEFT JOIN orders AS s ON s.order_id = t.sell_order_id
        STRAIGHT_JOIN (SELECT 1 AS leg UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6) AS l
    ) AS e
    WHERE e.amount <> 0;
    COMMIT;
    SELECT b.position_no, b.status, b.reason, b.order_id, b.filled_quantity, b.filled_value_won, b.fee_won, b.tax_won, b.replayed
    FROM batch_orders AS b ORDER BY b.position_no;
    DROP TEMPORARY TABLE batch_orders;
END;
