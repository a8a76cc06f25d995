-- requires: R__place_order.sql
-- The first and the last word of a rebalancing; what is between them are orders by place_order, each with a key of its own.
-- Each of the two is a transaction.

CREATE OR REPLACE PROCEDURE start_rebalance(
    IN p_portfolio_id BIGINT, IN p_minimum_won BIGINT, IN p_value_won BIGINT, IN p_lines LONGTEXT CHARACTER SET utf8mb4,
    IN p_business_date DATE, IN p_at DATETIME(6)
)
COMMENT 'Keeps the plan of a rebalancing with its audit row; refused while another one of the portfolio is open'
BEGIN
    DECLARE v_at DATETIME(6) DEFAULT coalesce(p_at, utc_timestamp(6));
    DECLARE v_date DATE DEFAULT coalesce(p_business_date, date(v_at + INTERVAL 9 HOUR));
    DECLARE v_id, v_user_id, v_orders BIGINT;
    DECLARE v_message VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    START TRANSACTION;
    SELECT max(f.user_id) INTO v_user_id FROM portfolios AS f WHERE f.portfolio_id = p_portfolio_id AND f.status = 'active';
    IF v_user_id IS NULL THEN
        SET v_message = concat('portfolio ', p_portfolio_id, ' is not an active one');
        SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = v_message;
    END IF;
    INSERT INTO rebalances (portfolio_id, account_id, business_date, band_bp, minimum_won, value_won, started_at)
    SELECT f.portfolio_id, f.account_id, v_date, f.band_bp, p_minimum_won, p_value_won, v_at
    FROM portfolios AS f WHERE f.portfolio_id = p_portfolio_id;
    SET v_id = last_insert_id();
    INSERT INTO rebalance_lines (rebalance_id, line_no, symbol, target_bp, weight_bp, expected_bp, price_won, side, quantity, limit_won, reason)
    SELECT v_id, l.line_no, l.symbol, l.target_bp, l.weight_bp, l.expected_bp, l.price_won, l.side, l.quantity, l.limit_won, l.reason
    FROM JSON_TABLE(p_lines, '$[*]' COLUMNS (
        line_no INT PATH '$.line_no',
        symbol VARCHAR(6) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin PATH '$.symbol',
        target_bp INT PATH '$.target_bp',
        weight_bp INT PATH '$.weight_bp',
        expected_bp INT PATH '$.expected_bp',
        price_won BIGINT PATH '$.price_won',
        side VARCHAR(4) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin PATH '$.side',
        quantity BIGINT PATH '$.quantity',
        limit_won BIGINT PATH '$.limit_won',
        reason VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin PATH '$.reason'
    )) AS l;
    SELECT count(l.side) INTO v_orders FROM rebalance_lines AS l WHERE l.rebalance_id = v_id;
    INSERT INTO audit_log (audit_id, business_date, user_id, action, entity, entity_id, detail)
    VALUES (NEXTVAL(event_ids), v_date, v_user_id, 'start', 'rebalance', v_id,
        concat_ws(' ', 'portfolio', p_portfolio_id, 'of', p_value_won, 'won with', v_orders, 'orders'));
    COMMIT;
    SELECT v_id AS rebalance_id;
END;

CREATE OR REPLACE PROCEDURE finish_rebalance(IN p_rebalance_id BIGINT, IN p_business_date DATE, IN p_at DATETIME(6))
COMMENT 'Ends a rebalancing with its one message and its audit row; false where it was ended before'
BEGIN
    DECLARE v_at DATETIME(6) DEFAULT coalesce(p_at, utc_timestamp(6));
    DECLARE v_date DATE DEFAULT coalesce(p_business_date, date(v_at + INTERVAL 9 HOUR));
    DECLARE v_portfolio_id, v_account_id, v_user_id, v_orders, v_sold_won, v_bought_won, v_costs_won BIGINT;
    DECLARE v_name VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
    DECLARE v_finished BOOLEAN DEFAULT FALSE;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    START TRANSACTION;
    UPDATE rebalances AS b SET b.status = 'done', b.finished_at = v_at WHERE b.rebalance_id = p_rebalance_id AND b.status = 'open';
    IF row_count() = 1 THEN
        SET v_finished = TRUE;
        SELECT b.portfolio_id, b.account_id, f.user_id, f.name INTO v_portfolio_id, v_account_id, v_user_id, v_name
        FROM rebalances AS b JOIN portfolios AS f ON f.portfolio_id = b.portfolio_id WHERE b.rebalance_id = p_rebalance_id;
        SELECT
            count(DISTINCT o.order_id),
            coalesce(sum(s.value_won), 0),
            coalesce(sum(b.value_won), 0),
            coalesce(sum(coalesce(b.buy_fee_won, 0) + coalesce(s.sell_fee_won + s.sell_tax_won, 0)), 0)
        INTO v_orders, v_sold_won, v_bought_won, v_costs_won
        FROM rebalance_lines AS l
        JOIN orders AS o ON o.account_id = v_account_id AND o.idempotency_key = concat('rebalance-', p_rebalance_id, '-', l.line_no)
        LEFT JOIN trades AS b ON o.side = 'buy' AND b.buy_order_id = o.order_id
        LEFT JOIN trades AS s ON o.side = 'sell' AND s.sell_order_id = o.order_id
        WHERE l.rebalance_id = p_rebalance_id;
        INSERT INTO notifications (user_id, kind, channel, body, created_at)
        VALUES (v_user_id, 'rebalance_executed', 'push',
            concat('포트폴리오 ', v_name, ' 리밸런싱: 주문 ', v_orders, '건, 매도 ', v_sold_won, '원, 매수 ', v_bought_won,
                '원, 수수료와 세금 ', v_costs_won, '원'), v_at);
        INSERT INTO audit_log (audit_id, business_date, user_id, action, entity, entity_id, detail)
        VALUES (NEXTVAL(event_ids), v_date, v_user_id, 'finish', 'rebalance', p_rebalance_id,
            concat_ws(' ', 'portfolio', v_portfolio_id, 'orders', v_orders, 'sold', v_sold_won, 'bought', v_bought_won, 'costs', v_costs_won));
    END IF;
    COMMIT;
    SELECT v_finished AS finished;
END;
