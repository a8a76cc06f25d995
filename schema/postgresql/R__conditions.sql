-- requires: R__place_order.sql
-- A condition's life: made, taken back, over, and executed: its order, its trades, its notices and its audit row in one
-- transaction, once for each prediction that meets it.
--
-- Locks, in this order: the row of stock_inventory, the condition, its prediction, then what place_order locks.
--
-- Reasons of add_condition: unknown_account, unknown_symbol, delisted, past_expiry. Reasons for which execute_condition
-- places nothing now: unknown_condition, not_active, expired, cooling_down, not_met, done_before, closed_session, not_listed.
-- It pauses a condition of which no order can be made: amount_too_small, and what place_order refuses without a row.

CREATE OR REPLACE FUNCTION price_on(p_symbol text, p_date date)
RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS $body$
    SELECT CASE WHEN i.quote_date >= p_date OR p.price_date IS NULL OR p.price_date < i.quote_date THEN i.last_won ELSE p.close_won END
    FROM stock_inventory AS i
    LEFT JOIN LATERAL (
        SELECT c.price_date, c.close_won FROM stock_prices AS c
        WHERE c.symbol = i.symbol AND c.price_date < p_date ORDER BY c.price_date DESC LIMIT 1
    ) AS p ON true
    WHERE i.symbol = p_symbol
$body$;
COMMENT ON FUNCTION price_on(text, date) IS 'The last price of an issue on a business date; what it would open with, where its day is not open yet';

CREATE OR REPLACE FUNCTION log_condition(p_condition_id bigint, p_date date, p_action text, p_detail text)
RETURNS void LANGUAGE sql AS $body$
    INSERT INTO audit_log (audit_id, business_date, user_id, action, entity, entity_id, detail)
    SELECT nextval('event_ids'), p_date, c.user_id, p_action, 'condition', c.condition_id, p_detail
    FROM conditions AS c WHERE c.condition_id = p_condition_id
$body$;
COMMENT ON FUNCTION log_condition(bigint, date, text, text) IS 'Writes the audit row of what was done to a condition';

CREATE OR REPLACE FUNCTION add_condition(
    p_account_id bigint, p_symbol text, p_rule jsonb, p_expires_at timestamptz, p_business_date date DEFAULT NULL, p_at timestamptz DEFAULT NULL
)
RETURNS TABLE (condition_id bigint, reason varchar)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $body$
#variable_conflict use_column
DECLARE
    v_at timestamptz := coalesce(p_at, clock_timestamp());
    v_user_id bigint := (SELECT a.user_id FROM accounts AS a WHERE a.account_id = p_account_id AND a.kind = 'customer');
    v_listed text := (SELECT k.status FROM stocks AS k WHERE k.symbol = p_symbol);
    v_reason text := CASE
        WHEN v_user_id IS NULL THEN 'unknown_account'
        WHEN v_listed IS NULL THEN 'unknown_symbol'
        WHEN v_listed = 'delisted' THEN 'delisted'
        WHEN p_expires_at <= v_at THEN 'past_expiry'
    END;
    v_id bigint;
BEGIN
    IF v_reason IS NULL THEN
        INSERT INTO conditions AS c (user_id, account_id, symbol, rule, expires_at, created_at)
        VALUES (v_user_id, p_account_id, p_symbol, p_rule, p_expires_at, v_at)
        RETURNING c.condition_id INTO v_id;
        PERFORM log_condition(v_id, coalesce(p_business_date, (v_at AT TIME ZONE 'Asia/Seoul')::date), 'add',
            concat_ws(' ', p_rule ->> 'side', p_symbol, 'for account', p_account_id));
    END IF;
    RETURN QUERY SELECT v_id, v_reason::varchar;
END
$body$;
COMMENT ON FUNCTION add_condition(bigint, text, jsonb, timestamptz, date, timestamptz) IS 'Makes a condition with its audit row, or says why not';

CREATE OR REPLACE FUNCTION cancel_condition(p_condition_id bigint, p_business_date date DEFAULT NULL, p_at timestamptz DEFAULT NULL)
RETURNS varchar LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $body$
DECLARE
    v_at timestamptz := coalesce(p_at, clock_timestamp());
    v_status text;
BEGIN
    SELECT c.status INTO v_status FROM conditions AS c WHERE c.condition_id = p_condition_id FOR NO KEY UPDATE;
    IF v_status IN ('active', 'paused') THEN
        UPDATE conditions SET status = 'cancelled' WHERE condition_id = p_condition_id;
        PERFORM log_condition(p_condition_id, coalesce(p_business_date, (v_at AT TIME ZONE 'Asia/Seoul')::date), 'withdraw', concat_ws(' ', 'was', v_status));
    END IF;
    RETURN v_status;
END
$body$;
COMMENT ON FUNCTION cancel_condition(bigint, date, timestamptz) IS 'Takes a condition back; answers with what its status was, NULL for no such condition';

CREATE OR REPLACE FUNCTION expire_conditions(p_business_date date DEFAULT NULL, p_at timestamptz DEFAULT NULL)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $body$
DECLARE
    v_at timestamptz := coalesce(p_at, clock_timestamp());
    v_date date := coalesce(p_business_date, (v_at AT TIME ZONE 'Asia/Seoul')::date);
    v_ended bigint;
BEGIN
    WITH due AS (
        SELECT c.condition_id FROM conditions AS c
        WHERE c.status IN ('active', 'paused') AND c.expires_at <= v_at FOR NO KEY UPDATE SKIP LOCKED
    ),
    ended AS (
        UPDATE conditions AS c SET status = 'expired' FROM due AS d WHERE c.condition_id = d.condition_id
        RETURNING c.condition_id, c.user_id, c.executions
    )
    INSERT INTO audit_log (audit_id, business_date, user_id, action, entity, entity_id, detail)
    SELECT nextval('event_ids'), v_date, e.user_id, 'lapse', 'condition', e.condition_id, concat_ws(' ', 'after', e.executions, 'orders')
    FROM ended AS e ORDER BY e.condition_id;
    GET DIAGNOSTICS v_ended = ROW_COUNT;
    RETURN v_ended;
END
$body$;
COMMENT ON FUNCTION expire_conditions(date, timestamptz) IS 'Ends the conditions whose time is over, each with its audit row; answers with how many';

CREATE OR REPLACE FUNCTION execute_condition(
    p_condition_id bigint, p_prediction_id bigint DEFAULT NULL, p_business_date date DEFAULT NULL, p_at timestamptz DEFAULT NULL
)
RETURNS TABLE (status varchar, reason varchar, order_id bigint, filled_quantity bigint, filled_value_won bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $body$
#variable_conflict use_column
DECLARE
    v_at timestamptz := coalesce(p_at, clock_timestamp());
    v_date date := coalesce(p_business_date, (v_at AT TIME ZONE 'Asia/Seoul')::date);
    c conditions%ROWTYPE;
    s record;
    v_is_met boolean := true;
    v_reason text;
    v_tick bigint;
    v_limit bigint;
    v_quantity bigint;
    v_answer order_answer;
BEGIN
    PERFORM 1 FROM stock_inventory AS i
    WHERE i.symbol = (SELECT k.symbol FROM conditions AS k WHERE k.condition_id = p_condition_id) FOR NO KEY UPDATE;
    SELECT k.* INTO c FROM conditions AS k WHERE k.condition_id = p_condition_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN QUERY SELECT 'skipped'::varchar, 'unknown_condition'::varchar, NULL::bigint, 0::bigint, 0::bigint;
        RETURN;
    END IF;
    SELECT k.market, k.status, l.last_won, session_open(k.market, v_date, v_at) AND i.quote_date <= v_date AS is_open,
        CASE WHEN i.quote_date = v_date THEN i.lower_won ELSE lower_limit_won(k.market, v_date, l.last_won) END AS lower_won,
        CASE WHEN i.quote_date = v_date THEN i.upper_won ELSE upper_limit_won(k.market, v_date, l.last_won) END AS upper_won
    INTO s
    FROM stocks AS k JOIN stock_inventory AS i ON i.symbol = k.symbol CROSS JOIN LATERAL (SELECT price_on(k.symbol, v_date) AS last_won) AS l
    WHERE k.symbol = c.symbol;
    IF c.min_confidence IS NOT NULL OR c.model_version IS NOT NULL THEN
        PERFORM 1 FROM predictions AS p
        WHERE
            p.prediction_id = p_prediction_id AND p.status = 'valid' AND p.symbol = c.symbol AND p.side = c.side
            AND p.confidence >= coalesce(c.min_confidence, 0) AND p.model_version = coalesce(c.model_version, p.model_version)
            AND p.predicted_at <= v_at AND (p.expires_at IS NULL OR p.expires_at > v_at)
        FOR SHARE;
        v_is_met := FOUND;
    ELSIF p_prediction_id IS NOT NULL THEN
        v_is_met := false;
    END IF;
    v_reason := CASE
        WHEN c.status <> 'active' THEN 'not_active'
        WHEN c.expires_at <= v_at THEN 'expired'
        WHEN c.executed_at + make_interval(secs => c.cool_down_s) > v_at THEN 'cooling_down'
        WHEN s.status <> 'listed' THEN 'not_listed'
        WHEN s.is_open IS NOT TRUE THEN 'closed_session'
        WHEN NOT v_is_met OR s.last_won < coalesce(c.from_won, s.last_won) OR s.last_won > coalesce(c.to_won, s.last_won) THEN 'not_met'
        WHEN EXISTS (SELECT 1 FROM orders AS o WHERE o.condition_id = p_condition_id AND o.prediction_id = p_prediction_id) THEN 'done_before'
    END;
    IF v_reason IS NOT NULL THEN
        RETURN QUERY SELECT 'skipped'::varchar, v_reason::varchar, NULL::bigint, 0::bigint, 0::bigint;
        RETURN;
    END IF;

    -- The limit is the nearer of two: so far from the last price, and the far end of the band. Without either, at the market.
    IF c.side = 'buy' THEN
        v_limit := least(s.last_won + s.last_won * c.price_band_bp / 10000, c.to_won);
        v_limit := CASE WHEN v_limit IS NOT NULL THEN least(v_limit, s.upper_won) END;
        v_limit := v_limit / tick_won(s.market, v_date, v_limit) * tick_won(s.market, v_date, v_limit);
    ELSE
        v_limit := greatest(s.last_won - s.last_won * c.price_band_bp / 10000, c.from_won);
        v_limit := CASE WHEN v_limit IS NOT NULL THEN greatest(v_limit, s.lower_won) END;
        v_tick := tick_won(s.market, v_date, v_limit);
        v_limit := (v_limit + v_tick - 1) / v_tick * v_tick;
    END IF;
    v_quantity := coalesce(c.quantity, c.amount_won / coalesce(v_limit, s.last_won));
    IF v_quantity >= 1 THEN
        v_answer := place_order(
            concat_ws('-', 'condition', p_condition_id, coalesce(p_prediction_id::text, concat('price-', c.executions + 1))),
            c.account_id, c.symbol, c.side, CASE WHEN v_limit IS NULL THEN 'market' ELSE 'limit' END, v_limit, v_quantity,
            v_date, v_at, NULL, p_condition_id, p_prediction_id
        );
        IF v_answer.order_id IS NULL OR v_answer.replayed THEN
            v_reason := coalesce(v_answer.reason, 'key_reused');
        END IF;
    ELSE
        v_reason := 'amount_too_small';
    END IF;
    IF v_reason IS NOT NULL THEN
        UPDATE conditions SET status = 'paused' WHERE condition_id = p_condition_id;
        PERFORM log_condition(p_condition_id, v_date, 'pause', v_reason);
        RETURN QUERY SELECT 'paused'::varchar, v_reason::varchar, NULL::bigint, 0::bigint, 0::bigint;
        RETURN;
    END IF;

    UPDATE conditions SET
        executed_at = v_at,
        executions = executions + 1,
        status = CASE WHEN c.cool_down_s IS NULL THEN 'done' ELSE 'active' END
    WHERE condition_id = p_condition_id;
    INSERT INTO notifications (user_id, order_id, prediction_id, kind, channel, body, created_at)
    SELECT
        c.user_id, v_answer.order_id, p_prediction_id,
        CASE WHEN v_answer.status = 'rejected' THEN 'order_rejected' ELSE 'order_executed' END, n.channel,
        concat_ws(' ', concat('조건 ', p_condition_id, ':'), c.symbol, CASE c.side WHEN 'buy' THEN '매수' ELSE '매도' END, concat(v_quantity, '주'),
            CASE WHEN v_answer.status = 'rejected' THEN concat('거부: ', v_answer.reason)
                ELSE concat('주문, ', v_answer.filled_quantity, '주 체결, ', v_answer.filled_value_won, '원') END),
        v_at
    FROM (VALUES (1, 'push'), (2, 'email'), (3, 'sms')) AS n (place_no, channel)
    WHERE coalesce(c.rule -> 'notify', '["push", "email"]') @> to_jsonb(n.channel)
    ORDER BY n.place_no;
    PERFORM log_condition(p_condition_id, v_date, 'execute',
        concat_ws(' ', 'conditional order', v_answer.order_id, 'prediction', coalesce(p_prediction_id::text, 'none'),
            v_answer.status, v_answer.reason, 'filled', v_answer.filled_quantity, 'for', v_answer.filled_value_won));
    RETURN QUERY SELECT v_answer.status, v_answer.reason, v_answer.order_id, v_answer.filled_quantity, v_answer.filled_value_won;
END
$body$;
COMMENT ON FUNCTION execute_condition(bigint, bigint, date, timestamptz) IS 'Places the order of a condition that is met, with its notices and its audit row, once for each prediction; says why where it places none';
