-- requires: R__place_order.sql
-- Takes what is left of an open order out of the book and gives back what was reserved.
-- Reasons: unknown_order, not_open. Locks as in place_order: the symbol, then the account.
--
-- A number may be another order's by now, where a server went on from an earlier moment: with the account, the key, or both,
-- an order is taken back only if it is of that account and has that key; to all others the answer is unknown_order.

DROP FUNCTION IF EXISTS cancel_order(bigint, date, timestamptz);
CREATE OR REPLACE FUNCTION cancel_order(
    p_order_id bigint, p_business_date date DEFAULT NULL, p_at timestamptz DEFAULT NULL,
    p_account_id bigint DEFAULT NULL, p_key text DEFAULT NULL
)
RETURNS order_answer LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $body$
DECLARE
    v_at timestamptz := coalesce(p_at, clock_timestamp());
    v_date date := coalesce(p_business_date, (v_at AT TIME ZONE 'Asia/Seoul')::date);
    v_answer order_answer;
    v_order record;
    v_event bigint;
BEGIN
    v_answer.replayed := false;
    SELECT o.symbol, o.account_id INTO v_order
    FROM orders AS o
    WHERE o.order_id = p_order_id AND o.account_id = coalesce(p_account_id, o.account_id) AND o.idempotency_key = coalesce(p_key, o.idempotency_key);
    IF NOT FOUND THEN
        v_answer.status := 'rejected';
        v_answer.reason := 'unknown_order';
        RETURN v_answer;
    END IF;
    PERFORM 1 FROM stock_inventory AS i WHERE i.symbol = v_order.symbol FOR NO KEY UPDATE;
    PERFORM 1 FROM accounts AS a WHERE a.account_id = v_order.account_id FOR NO KEY UPDATE;
    SELECT o.order_id, o.symbol, o.account_id, o.side, o.status, o.reason, o.filled_quantity, o.reserved_won, a.user_id,
        o.quantity - o.filled_quantity AS remaining
    INTO v_order
    FROM orders AS o JOIN accounts AS a ON a.account_id = o.account_id WHERE o.order_id = p_order_id;
    v_answer.order_id := p_order_id;
    v_answer.filled_quantity := v_order.filled_quantity;
    IF v_order.status <> 'open' THEN
        v_answer.status := v_order.status;
        v_answer.reason := CASE WHEN v_order.reason = 'cancelled' THEN 'cancelled' ELSE 'not_open' END;
        v_answer.replayed := v_order.status = 'cancelled' AND v_order.reason = 'cancelled';
        RETURN v_answer;
    END IF;
    v_event := nextval('event_ids');
    UPDATE orders SET status = 'cancelled', reason = 'cancelled', reserved_won = 0, closed_event_id = v_event WHERE order_id = p_order_id;
    IF v_order.side = 'buy' THEN
        UPDATE accounts SET reserved_won = reserved_won - v_order.reserved_won WHERE account_id = v_order.account_id;
    ELSE
        UPDATE positions SET reserved_quantity = reserved_quantity - v_order.remaining
        WHERE account_id = v_order.account_id AND symbol = v_order.symbol;
    END IF;
    INSERT INTO audit_log (audit_id, business_date, user_id, action, entity, entity_id, detail)
    VALUES (v_event, v_date, v_order.user_id, 'cancel', 'order', p_order_id, concat_ws(' ', v_order.remaining, 'left of', v_order.symbol));
    v_answer.status := 'cancelled';
    v_answer.reason := 'cancelled';
    RETURN v_answer;
END
$body$;
COMMENT ON FUNCTION cancel_order(bigint, date, timestamptz, bigint, text) IS 'Cancels what is left of an open order, which is of that account and has that key where these are given; asking twice answers the same';
