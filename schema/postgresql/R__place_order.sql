-- One order, one transaction, one round trip.
--
-- Locks, always in this order: the rows of stock_inventory by symbol; the rows of accounts by account_id
-- (the caller's and those of every resting order that can be met). Orders and positions are written only by who
-- holds their symbol. The accounts of the house are never locked: they get entries, and their sums are folded later.
--
-- Rejections are answers with a reason, never exceptions. Refused without a row, because there is nothing to hang it on:
-- unknown_account, unknown_symbol, bad_request, bad_quantity, key_reused. Refused with a row in orders:
-- account_inactive, delisted, halted, closed_session, off_tick, outside_price_limit, self_match, insufficient_cash,
-- insufficient_shares. Cancelled by the routine: no_liquidity (what is left of a market order), expired (on the next
-- business day).

CREATE OR REPLACE FUNCTION lock_symbol(p_symbol text, p_account_id bigint, p_side text, p_limit_won bigint, p_quantity bigint, p_date date)
RETURNS boolean LANGUAGE plpgsql AS $body$
DECLARE
    v_inventory stock_inventory%ROWTYPE;
    v_accounts bigint[] := ARRAY[p_account_id];
    v_seen bigint := 0;
    v_order record;
BEGIN
    SELECT * INTO v_inventory FROM stock_inventory AS i WHERE i.symbol = p_symbol FOR NO KEY UPDATE;
    IF v_inventory.quote_date < p_date THEN
        SELECT v_accounts || array_agg(o.account_id) INTO v_accounts
        FROM orders AS o WHERE o.symbol = p_symbol AND o.resting_won IS NOT NULL;
    ELSIF p_side = 'buy' THEN
        FOR v_order IN
            SELECT o.account_id, o.quantity - o.filled_quantity AS remaining
            FROM orders AS o
            WHERE o.symbol = p_symbol AND o.side = 'sell' AND o.resting_won <= coalesce(p_limit_won, v_inventory.upper_won)
            ORDER BY o.resting_won, o.order_id
        LOOP
            v_accounts := v_accounts || v_order.account_id;
            v_seen := v_seen + v_order.remaining;
            EXIT WHEN v_seen >= p_quantity;
        END LOOP;
    ELSE
        FOR v_order IN
            SELECT o.account_id, o.quantity - o.filled_quantity AS remaining
            FROM orders AS o
            WHERE o.symbol = p_symbol AND o.side = 'buy' AND o.resting_won >= coalesce(p_limit_won, v_inventory.lower_won)
            ORDER BY o.resting_won DESC, o.order_id
        LOOP
            v_accounts := v_accounts || v_order.account_id;
            v_seen := v_seen + v_order.remaining;
            EXIT WHEN v_seen >= p_quantity;
        END LOOP;
    END IF;
    IF cardinality(v_accounts) = 1 THEN
        PERFORM 1 FROM accounts AS a WHERE a.account_id = p_account_id FOR NO KEY UPDATE;
        RETURN false;
    END IF;
    PERFORM 1 FROM accounts AS a WHERE a.account_id = ANY (v_accounts) ORDER BY a.account_id FOR NO KEY UPDATE;
    RETURN true;
END
$body$;
COMMENT ON FUNCTION lock_symbol(text, bigint, text, bigint, bigint, date) IS 'Locks the symbol, then the accounts that an order can touch; true where resting orders may be met';

CREATE OR REPLACE FUNCTION open_day(p_symbol text, p_date date, p_at timestamptz)
RETURNS void LANGUAGE plpgsql AS $body$
DECLARE
    v_market text;
    v_inventory stock_inventory%ROWTYPE;
    v_close record;
    v_base bigint;
    v_settles date;
    v_order record;
    v_event bigint;
BEGIN
    SELECT s.market INTO v_market FROM stocks AS s WHERE s.symbol = p_symbol;
    SELECT * INTO v_inventory FROM stock_inventory AS i WHERE i.symbol = p_symbol;
    FOR v_order IN
        SELECT o.order_id, o.account_id, o.side, o.reserved_won, o.quantity - o.filled_quantity AS remaining, a.user_id
        FROM orders AS o JOIN accounts AS a ON a.account_id = o.account_id
        WHERE o.symbol = p_symbol AND o.resting_won IS NOT NULL
        ORDER BY o.order_id
    LOOP
        v_event := nextval('event_ids');
        UPDATE orders SET status = 'cancelled', reason = 'expired', reserved_won = 0, closed_event_id = v_event
        WHERE order_id = v_order.order_id;
        IF v_order.side = 'buy' THEN
            UPDATE accounts SET reserved_won = reserved_won - v_order.reserved_won WHERE account_id = v_order.account_id;
        ELSE
            UPDATE positions SET reserved_quantity = reserved_quantity - v_order.remaining
            WHERE account_id = v_order.account_id AND symbol = p_symbol;
        END IF;
        INSERT INTO audit_log (audit_id, business_date, user_id, action, entity, entity_id, detail)
        VALUES (v_event, p_date, v_order.user_id, 'expire', 'order', v_order.order_id, concat_ws(' ', v_order.remaining, 'left of', p_symbol));
    END LOOP;
    SELECT p.price_date, p.close_won INTO v_close
    FROM stock_prices AS p WHERE p.symbol = p_symbol AND p.price_date < p_date
    ORDER BY p.price_date DESC LIMIT 1;
    v_base := CASE WHEN v_close.price_date >= v_inventory.quote_date THEN v_close.close_won ELSE v_inventory.last_won END;
    v_settles := business_day_after(v_market, p_date, 2);
    UPDATE stock_inventory SET
        quote_date = p_date,
        base_won = v_base,
        last_won = v_base,
        lower_won = lower_limit_won(v_market, p_date, v_base),
        upper_won = upper_limit_won(v_market, p_date, v_base),
        settles_on = v_settles,
        sell_tax_rate = (
            SELECT t.sell_rate FROM tax_rates AS t
            WHERE t.market = v_market AND t.settles_from <= v_settles ORDER BY t.settles_from DESC LIMIT 1
        )
    WHERE symbol = p_symbol;
END
$body$;
COMMENT ON FUNCTION open_day(text, date, timestamptz) IS 'Ends an issue''s trading day and opens the next: day orders expire, the base price, the limits and the tax rate are set. Needs the symbol and the owners of its resting orders locked';

CREATE OR REPLACE FUNCTION execute_order(
    p_key text, p_account_id bigint, p_symbol text, p_side text, p_kind text, p_limit_won bigint, p_quantity bigint,
    p_date date, p_at timestamptz, p_portfolio_id bigint, p_condition_id bigint, p_prediction_id bigint, p_may_match boolean
)
RETURNS order_answer LANGUAGE plpgsql AS $body$
DECLARE
    v_answer order_answer;
    v_old record;
    v record;
    v_maker record;
    v_reason text;
    v_order_id bigint;
    v_event bigint;
    v_remaining bigint := p_quantity;
    v_take bigint;
    v_last bigint;
    v_house bigint := 0;
    v_value bigint := 0;
    v_fee bigint := 0;
    v_tax bigint := 0;
    v_reserve bigint := 0;
    v_status text;
    v_maker_fee bigint;
    v_maker_tax bigint;
    v_maker_reserve bigint;
    -- The fills, in the order in which they happen; a maker order of NULL is the house.
    f_order bigint[] := '{}';
    f_account bigint[] := '{}';
    f_price bigint[] := '{}';
    f_quantity bigint[] := '{}';
    f_rate numeric[] := '{}';
    f_exempt boolean[] := '{}';
    f_fee bigint[] := '{}';
    f_tax bigint[] := '{}';
    f_event bigint[] := '{}';
    f_value bigint;
BEGIN
    v_answer.replayed := false;
    SELECT o.order_id, o.symbol, o.side, o.kind, o.limit_won, o.quantity, o.status, o.reason, o.filled_quantity,
        o.portfolio_id, o.condition_id, o.prediction_id
    INTO v_old
    FROM orders AS o WHERE o.account_id = p_account_id AND o.idempotency_key = p_key;
    IF FOUND THEN
        IF (v_old.symbol, v_old.side, v_old.kind, v_old.quantity) IS DISTINCT FROM (p_symbol, p_side, p_kind, p_quantity)
            OR v_old.limit_won IS DISTINCT FROM p_limit_won
            OR (v_old.portfolio_id, v_old.condition_id, v_old.prediction_id) IS DISTINCT FROM (p_portfolio_id, p_condition_id, p_prediction_id)
        THEN
            v_answer.status := 'rejected';
            v_answer.reason := 'key_reused';
            RETURN v_answer;
        END IF;
        v_answer.status := v_old.status;
        v_answer.reason := v_old.reason;
        v_answer.order_id := v_old.order_id;
        v_answer.filled_quantity := v_old.filled_quantity;
        v_answer.replayed := true;
        SELECT coalesce(sum(t.value_won), 0), coalesce(sum(CASE WHEN p_side = 'buy' THEN t.buy_fee_won ELSE t.sell_fee_won END), 0),
            coalesce(sum(CASE WHEN p_side = 'sell' THEN t.sell_tax_won ELSE 0 END), 0)
        INTO v_answer.filled_value_won, v_answer.fee_won, v_answer.tax_won
        FROM trades AS t
        WHERE (p_side = 'buy' AND t.buy_order_id = v_old.order_id) OR (p_side = 'sell' AND t.sell_order_id = v_old.order_id);
        RETURN v_answer;
    END IF;

    SELECT
        s.market, s.status AS stock_status, s.listed_shares,
        i.available_shares, i.last_won, i.quote_date, i.lower_won, i.upper_won, i.settles_on, i.sell_tax_rate,
        a.status AS account_status, a.user_id, a.tax_exempt, a.cash_won - a.reserved_won AS available_won,
        (SELECT f.commission_rate FROM fee_schedules AS f
            WHERE f.broker_id = a.broker_id AND f.valid_from <= p_date ORDER BY f.valid_from DESC LIMIT 1) AS fee_rate,
        session_open(s.market, p_date, p_at) AS is_open,
        CASE WHEN p_limit_won IS NULL THEN 1 ELSE tick_won(s.market, p_date, p_limit_won) END AS tick_won,
        CASE WHEN p_side = 'sell' THEN (SELECT p.quantity - p.reserved_quantity FROM positions AS p
            WHERE p.account_id = a.account_id AND p.symbol = s.symbol) END AS available_quantity
    INTO v
    FROM stocks AS s
    JOIN stock_inventory AS i ON i.symbol = s.symbol
    JOIN accounts AS a ON a.account_id = p_account_id AND a.kind = 'customer'
    WHERE s.symbol = p_symbol;
    IF p_quantity > v.listed_shares THEN
        v_answer.status := 'rejected';
        v_answer.reason := 'bad_quantity';
        RETURN v_answer;
    END IF;

    v_order_id := nextval('event_ids');
    v_last := v.last_won;
    v_reason := CASE
        WHEN v.account_status <> 'active' THEN 'account_inactive'
        WHEN v.stock_status = 'delisted' THEN 'delisted'
        WHEN v.stock_status = 'halted' THEN 'halted'
        WHEN v.fee_rate IS NULL OR v.tick_won IS NULL OR NOT v.is_open OR p_date < v.quote_date THEN 'closed_session'
        WHEN p_limit_won % v.tick_won <> 0 THEN 'off_tick'
        WHEN p_limit_won < v.lower_won OR p_limit_won > v.upper_won THEN 'outside_price_limit'
        WHEN p_side = 'sell' AND coalesce(v.available_quantity, 0) < p_quantity THEN 'insufficient_shares'
        WHEN p_side = 'buy' AND p_kind = 'limit'
            AND v.available_won < p_limit_won * p_quantity + floor(p_limit_won * p_quantity * v.fee_rate) THEN 'insufficient_cash'
    END;

    IF v_reason IS NULL AND p_may_match THEN
        FOR v_maker IN
            SELECT o.order_id, o.account_id, o.resting_won, o.quantity - o.filled_quantity AS remaining, a.user_id, a.tax_exempt,
                (SELECT f.commission_rate FROM fee_schedules AS f
                    WHERE f.broker_id = a.broker_id AND f.valid_from <= p_date ORDER BY f.valid_from DESC LIMIT 1) AS fee_rate
            FROM orders AS o
            JOIN accounts AS a ON a.account_id = o.account_id
            WHERE
                o.symbol = p_symbol
                AND o.side = CASE WHEN p_side = 'buy' THEN 'sell' ELSE 'buy' END
                AND CASE
                    WHEN p_side = 'buy' THEN o.resting_won <= coalesce(p_limit_won, v.upper_won)
                    ELSE o.resting_won >= coalesce(p_limit_won, v.lower_won)
                END
            ORDER BY CASE WHEN p_side = 'buy' THEN o.resting_won ELSE -o.resting_won END, o.order_id
        LOOP
            IF v_maker.user_id = v.user_id THEN
                v_reason := 'self_match';
                EXIT;
            END IF;
            v_take := least(v_remaining, v_maker.remaining);
            f_order := f_order || v_maker.order_id;
            f_account := f_account || v_maker.account_id;
            f_price := f_price || v_maker.resting_won;
            f_quantity := f_quantity || v_take;
            f_rate := f_rate || v_maker.fee_rate;
            f_exempt := f_exempt || v_maker.tax_exempt;
            v_last := v_maker.resting_won;
            v_remaining := v_remaining - v_take;
            EXIT WHEN v_remaining = 0;
        END LOOP;
    END IF;

    IF v_reason IS NULL THEN
        IF v_remaining > 0 AND p_side = 'buy' AND v_last <= coalesce(p_limit_won, v_last) THEN
            v_house := least(v_remaining, v.available_shares);
        ELSIF v_remaining > 0 AND p_side = 'sell' AND v_last >= coalesce(p_limit_won, v_last) THEN
            v_house := v_remaining;
        END IF;
        IF v_house > 0 THEN
            f_order := f_order || NULL::bigint;
            f_account := f_account || 1::bigint;
            f_price := f_price || v_last;
            f_quantity := f_quantity || v_house;
            f_rate := f_rate || 0.0;
            f_exempt := f_exempt || true;
            v_remaining := v_remaining - v_house;
        END IF;
        FOR n IN 1 .. cardinality(f_price) LOOP
            f_event := f_event || nextval('event_ids');
            f_value := f_price[n] * f_quantity[n];
            v_value := v_value + f_value;
            f_fee := f_fee || floor(f_value * v.fee_rate)::bigint;
            f_tax := f_tax || CASE WHEN p_side = 'sell' AND NOT v.tax_exempt THEN floor(f_value * v.sell_tax_rate)::bigint ELSE 0 END;
            v_fee := v_fee + f_fee[n];
            v_tax := v_tax + f_tax[n];
        END LOOP;
        IF p_side = 'buy' AND p_kind = 'market' AND v.available_won < v_value + v_fee THEN
            v_reason := 'insufficient_cash';
        END IF;
    END IF;

    IF v_reason IS NOT NULL THEN
        INSERT INTO orders (order_id, account_id, idempotency_key, symbol, side, kind, limit_won, quantity, status, reason,
            portfolio_id, condition_id, prediction_id, business_date, placed_at, closed_event_id)
        VALUES (v_order_id, p_account_id, p_key, p_symbol, p_side, p_kind, p_limit_won, p_quantity, 'rejected', v_reason,
            p_portfolio_id, p_condition_id, p_prediction_id, p_date, p_at, v_order_id);
        INSERT INTO audit_log (audit_id, business_date, user_id, action, entity, entity_id, detail)
        VALUES (v_order_id, p_date, v.user_id, 'place', 'order', v_order_id,
            concat_ws(' ', p_side, p_kind, p_symbol, p_quantity, 'at', coalesce(p_limit_won::text, 'market'), 'rejected', v_reason));
        v_answer.status := 'rejected';
        v_answer.reason := v_reason;
        v_answer.order_id := v_order_id;
        v_answer.filled_quantity := 0;
        v_answer.filled_value_won := 0;
        v_answer.fee_won := 0;
        v_answer.tax_won := 0;
        RETURN v_answer;
    END IF;

    v_status := CASE WHEN v_remaining = 0 THEN 'filled' WHEN p_kind = 'market' THEN 'cancelled' ELSE 'open' END;
    v_event := coalesce(f_event[cardinality(f_event)], v_order_id);
    IF v_status = 'open' AND p_side = 'buy' THEN
        v_reserve := p_limit_won * v_remaining + floor(p_limit_won * v_remaining * v.fee_rate)::bigint;
    END IF;
    INSERT INTO orders (order_id, account_id, idempotency_key, symbol, side, kind, limit_won, quantity, filled_quantity, reserved_won,
        status, reason, portfolio_id, condition_id, prediction_id, business_date, placed_at, closed_event_id)
    VALUES (v_order_id, p_account_id, p_key, p_symbol, p_side, p_kind, p_limit_won, p_quantity, p_quantity - v_remaining, v_reserve,
        v_status, CASE WHEN v_status = 'cancelled' THEN 'no_liquidity' END,
        p_portfolio_id, p_condition_id, p_prediction_id, p_date, p_at, CASE WHEN v_status <> 'open' THEN v_event END);

    FOR n IN 1 .. cardinality(f_price) LOOP
        f_value := f_price[n] * f_quantity[n];
        v_maker_fee := floor(f_value * f_rate[n])::bigint;
        v_maker_tax := CASE WHEN p_side = 'buy' AND NOT f_exempt[n] THEN floor(f_value * v.sell_tax_rate)::bigint ELSE 0 END;
        INSERT INTO trades (trade_id, symbol, buy_order_id, sell_order_id, taker_side, price_won, quantity,
            buy_fee_won, sell_fee_won, sell_tax_won, business_date, settles_on, traded_at)
        VALUES (
            f_event[n], p_symbol,
            CASE WHEN p_side = 'buy' THEN v_order_id ELSE f_order[n] END,
            CASE WHEN p_side = 'sell' THEN v_order_id ELSE f_order[n] END,
            p_side, f_price[n], f_quantity[n],
            CASE WHEN p_side = 'buy' THEN f_fee[n] ELSE v_maker_fee END,
            CASE WHEN p_side = 'sell' THEN f_fee[n] ELSE v_maker_fee END,
            f_tax[n] + v_maker_tax, p_date, v.settles_on, p_at
        );
        INSERT INTO journal_entries (journal_id, leg, business_date, account_id, asset, amount, kind)
        SELECT f_event[n], leg, p_date, account_id, asset, amount, kind
        FROM (
            VALUES
            (1::smallint, p_account_id, 'KRW', CASE WHEN p_side = 'buy' THEN -f_value - f_fee[n] ELSE f_value - f_fee[n] - f_tax[n] END, 'trade'),
            (2::smallint, f_account[n], 'KRW', CASE WHEN p_side = 'buy' THEN f_value - v_maker_fee - v_maker_tax ELSE -f_value - v_maker_fee END, 'trade'),
            (3::smallint, p_account_id, p_symbol, CASE WHEN p_side = 'buy' THEN f_quantity[n] ELSE -f_quantity[n] END, 'trade'),
            (4::smallint, f_account[n], p_symbol, CASE WHEN p_side = 'buy' THEN -f_quantity[n] ELSE f_quantity[n] END, 'trade'),
            (5::smallint, 2, 'KRW', f_fee[n] + v_maker_fee, 'fee'),
            (6::smallint, 3, 'KRW', f_tax[n] + v_maker_tax, 'tax')
        ) AS legs (leg, account_id, asset, amount, kind)
        WHERE amount <> 0;
        IF f_order[n] IS NOT NULL THEN
            SELECT o.reserved_won, o.quantity - o.filled_quantity - f_quantity[n] AS left_quantity INTO v_maker
            FROM orders AS o WHERE o.order_id = f_order[n];
            v_maker_reserve := CASE WHEN p_side = 'sell'
                THEN f_price[n] * v_maker.left_quantity + floor(f_price[n] * v_maker.left_quantity * f_rate[n])::bigint ELSE 0 END;
            UPDATE orders SET
                filled_quantity = filled_quantity + f_quantity[n],
                reserved_won = v_maker_reserve,
                status = CASE WHEN v_maker.left_quantity = 0 THEN 'filled' ELSE 'open' END,
                closed_event_id = CASE WHEN v_maker.left_quantity = 0 THEN f_event[n] END
            WHERE order_id = f_order[n];
            UPDATE accounts SET
                cash_won = cash_won + CASE WHEN p_side = 'buy' THEN f_value - v_maker_fee - v_maker_tax ELSE -f_value - v_maker_fee END,
                reserved_won = reserved_won - v_maker.reserved_won + v_maker_reserve
            WHERE account_id = f_account[n];
            IF p_side = 'buy' THEN
                UPDATE positions SET
                    cost_won = cost_won - floor(cost_won::numeric * f_quantity[n] / quantity)::bigint,
                    quantity = quantity - f_quantity[n],
                    reserved_quantity = reserved_quantity - f_quantity[n]
                WHERE account_id = f_account[n] AND symbol = p_symbol;
            ELSE
                INSERT INTO positions AS p (account_id, symbol, quantity, cost_won)
                VALUES (f_account[n], p_symbol, f_quantity[n], f_value)
                ON CONFLICT (account_id, symbol) DO UPDATE
                SET quantity = p.quantity + excluded.quantity, cost_won = p.cost_won + excluded.cost_won;
            END IF;
        END IF;
    END LOOP;

    IF v_value > 0 OR v_reserve > 0 THEN
        UPDATE accounts SET
            cash_won = cash_won + CASE WHEN p_side = 'buy' THEN -v_value - v_fee ELSE v_value - v_fee - v_tax END,
            reserved_won = reserved_won + v_reserve
        WHERE account_id = p_account_id;
    END IF;
    IF p_side = 'buy' AND v_value > 0 THEN
        INSERT INTO positions AS p (account_id, symbol, quantity, cost_won)
        VALUES (p_account_id, p_symbol, p_quantity - v_remaining, v_value)
        ON CONFLICT (account_id, symbol) DO UPDATE
        SET quantity = p.quantity + excluded.quantity, cost_won = p.cost_won + excluded.cost_won;
    ELSIF p_side = 'sell' THEN
        UPDATE positions SET
            cost_won = cost_won - floor(cost_won::numeric * (p_quantity - v_remaining) / quantity)::bigint,
            quantity = quantity - (p_quantity - v_remaining),
            reserved_quantity = reserved_quantity + CASE WHEN v_status = 'open' THEN v_remaining ELSE 0 END
        WHERE account_id = p_account_id AND symbol = p_symbol;
    END IF;
    IF v_value > 0 THEN
        UPDATE stock_inventory SET
            available_shares = available_shares + CASE WHEN p_side = 'buy' THEN -v_house ELSE v_house END,
            last_won = v_last
        WHERE symbol = p_symbol;
    END IF;
    INSERT INTO audit_log (audit_id, business_date, user_id, action, entity, entity_id, detail)
    VALUES (v_order_id, p_date, v.user_id, 'place', 'order', v_order_id,
        concat_ws(' ', p_side, p_kind, p_symbol, p_quantity, 'at', coalesce(p_limit_won::text, 'market'), v_status, 'filled', p_quantity - v_remaining, 'for', v_value));
    v_answer.status := v_status;
    v_answer.reason := CASE WHEN v_status = 'cancelled' THEN 'no_liquidity' END;
    v_answer.order_id := v_order_id;
    v_answer.filled_quantity := p_quantity - v_remaining;
    v_answer.filled_value_won := v_value;
    v_answer.fee_won := v_fee;
    v_answer.tax_won := v_tax;
    RETURN v_answer;
END
$body$;
COMMENT ON FUNCTION execute_order(text, bigint, text, text, text, bigint, bigint, date, timestamptz, bigint, bigint, bigint, boolean) IS 'The whole life of one order, for a caller that holds the locks; use place_order';

CREATE OR REPLACE FUNCTION request_fault(p_key text, p_account_id bigint, p_symbol text, p_side text, p_kind text, p_limit_won bigint, p_quantity bigint)
RETURNS text LANGUAGE plpgsql STABLE AS $body$
BEGIN
    RETURN CASE
        WHEN coalesce(length(p_key), 0) NOT BETWEEN 1 AND 64 THEN 'bad_request'
        WHEN p_side IS NULL OR p_side NOT IN ('buy', 'sell') THEN 'bad_request'
        WHEN p_kind IS NULL OR p_kind NOT IN ('limit', 'market') THEN 'bad_request'
        WHEN (p_kind = 'limit') <> (p_limit_won IS NOT NULL) OR p_limit_won < 1 THEN 'bad_request'
        WHEN p_quantity IS NULL OR p_quantity < 1 THEN 'bad_quantity'
        WHEN NOT EXISTS (SELECT 1 FROM stock_inventory AS i WHERE i.symbol = p_symbol) THEN 'unknown_symbol'
        WHEN NOT EXISTS (SELECT 1 FROM accounts AS a WHERE a.account_id = p_account_id AND a.kind = 'customer') THEN 'unknown_account'
    END;
END
$body$;
COMMENT ON FUNCTION request_fault(text, bigint, text, text, text, bigint, bigint) IS 'Why a request cannot become an order at all; NULL where it can';

CREATE OR REPLACE FUNCTION place_order(
    p_key text, p_account_id bigint, p_symbol text, p_side text, p_kind text, p_limit_won bigint, p_quantity bigint,
    p_business_date date DEFAULT NULL, p_at timestamptz DEFAULT NULL,
    p_portfolio_id bigint DEFAULT NULL, p_condition_id bigint DEFAULT NULL, p_prediction_id bigint DEFAULT NULL
)
RETURNS order_answer LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $body$
DECLARE
    v_answer order_answer;
    v_at timestamptz := coalesce(p_at, clock_timestamp());
    v_date date := coalesce(p_business_date, (v_at AT TIME ZONE 'Asia/Seoul')::date);
    v_may_match boolean;
BEGIN
    v_answer.reason := request_fault(p_key, p_account_id, p_symbol, p_side, p_kind, p_limit_won, p_quantity);
    IF v_answer.reason IS NOT NULL THEN
        v_answer.status := 'rejected';
        v_answer.replayed := false;
        RETURN v_answer;
    END IF;
    v_may_match := lock_symbol(p_symbol, p_account_id, p_side, p_limit_won, p_quantity, v_date);
    IF EXISTS (SELECT 1 FROM stock_inventory AS i JOIN stocks AS s ON s.symbol = i.symbol
            WHERE i.symbol = p_symbol AND i.quote_date < v_date AND session_open(s.market, v_date, v_at)) THEN
        PERFORM open_day(p_symbol, v_date, v_at);
    END IF;
    RETURN execute_order(p_key, p_account_id, p_symbol, p_side, p_kind, p_limit_won, p_quantity, v_date, v_at,
        p_portfolio_id, p_condition_id, p_prediction_id, v_may_match);
END
$body$;
COMMENT ON FUNCTION place_order(text, bigint, text, text, text, bigint, bigint, date, timestamptz, bigint, bigint, bigint) IS 'Places one order: checks, reserves, matches by price and time, then meets the house; answers with its state. The same key again answers for the same order';
