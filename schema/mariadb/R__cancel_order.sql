-- requires: R__place_order.sql
-- Takes what is left of an open order out of the book and gives back what was reserved.
-- Reasons: unknown_order, not_open. Locks as in place_order: the symbol, then the account.
--
-- A number may be another order's by now, where a server went on from an earlier moment: with the account, the key, or both,
-- an order is taken back only if it is of that account and has that key; to all others the answer is unknown_order.

CREATE OR REPLACE PROCEDURE cancel_order(
    IN p_order_id BIGINT, IN p_business_date DATE, IN p_at DATETIME(6),
    IN p_account_id BIGINT, IN p_key VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin
)
COMMENT 'Cancels what is left of an open order, which is of that account and has that key where these are given; asking twice answers the same'
BEGIN
    DECLARE v_at DATETIME(6) DEFAULT coalesce(p_at, utc_timestamp(6));
    DECLARE v_date DATE DEFAULT coalesce(p_business_date, date(v_at + INTERVAL 9 HOUR));
    DECLARE v_symbol VARCHAR(6) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
    DECLARE v_side VARCHAR(4) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
    DECLARE v_status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin DEFAULT 'rejected';
    DECLARE v_reason VARCHAR(24) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin DEFAULT 'unknown_order';
    DECLARE v_order_id, v_account_id, v_user_id, v_filled_quantity, v_reserved_won, v_remaining, v_event, v_ignored BIGINT;
    DECLARE v_replayed BOOLEAN DEFAULT FALSE;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    START TRANSACTION;
    SELECT o.symbol, o.account_id INTO v_symbol, v_account_id
    FROM orders AS o
    WHERE o.order_id = p_order_id AND o.account_id = coalesce(p_account_id, o.account_id) AND o.idempotency_key = coalesce(p_key, o.idempotency_key);
    IF v_symbol IS NOT NULL THEN
        SELECT i.last_won INTO v_ignored FROM stock_inventory AS i WHERE i.symbol = v_symbol FOR UPDATE;
        SELECT a.user_id INTO v_user_id FROM accounts AS a WHERE a.account_id = v_account_id FOR UPDATE;
        SELECT o.order_id, o.side, o.status, o.reason, o.filled_quantity, o.reserved_won, o.quantity - o.filled_quantity
        INTO v_order_id, v_side, v_status, v_reason, v_filled_quantity, v_reserved_won, v_remaining
        FROM orders AS o WHERE o.order_id = p_order_id;
        IF v_status <> 'open' THEN
            SET v_replayed = v_status = 'cancelled' AND v_reason = 'cancelled';
            SET v_reason = CASE WHEN v_replayed THEN 'cancelled' ELSE 'not_open' END;
        ELSE
            SET v_event = NEXTVAL(event_ids), v_status = 'cancelled', v_reason = 'cancelled';
            UPDATE orders SET status = v_status, reason = v_reason, reserved_won = 0, closed_event_id = v_event WHERE order_id = p_order_id;
            IF v_side = 'buy' THEN
                UPDATE accounts SET reserved_won = reserved_won - v_reserved_won WHERE account_id = v_account_id;
            ELSE
                UPDATE positions SET reserved_quantity = reserved_quantity - v_remaining
                WHERE account_id = v_account_id AND symbol = v_symbol;
            END IF;
            INSERT INTO audit_log (audit_id, business_date, user_id, action, entity, entity_id, detail)
            VALUES (v_event, v_date, v_user_id, 'cancel', 'order', p_order_id, concat_ws(' ', v_remaining, 'left of', v_symbol));
        END IF;
    END IF;
    COMMIT;
    SELECT v_status AS status, v_reason AS reason, v_order_id AS order_id, v_filled_quantity AS filled_quantity,
        CAST(NULL AS SIGNED) AS filled_value_won, CAST(NULL AS SIGNED) AS fee_won, CAST(NULL AS SIGNED) AS tax_won, v_replayed AS replayed;
END;
