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
-- Every statement starts an executor of its own, and that, not the rows, is what an order costs: so what belongs together
-- is joined, and written by one statement. What has nothing to be joined to is read by a plain statement of its own, which
-- costs half of the same as a subquery, and only by an order that needs it. An expression of plpgsql is made ready once a
-- transaction, which is once an order, and costs as much as an assignment of a constant does: hence variables that stay NULL
-- until an order needs them, and one IF around what few orders need. The best of the book is the first of its index: a
-- bitmap of it would be of all that rests there, and of what no longer does.

CREATE OR REPLACE FUNCTION open_day(p_symbol text, p_date date, p_at timestamptz)
RETURNS void LANGUAGE plpgsql AS $body$
DECLARE
    v_market text;
    v_inventory stock_inventory%ROWTYPE;
    v_close record;
    v_hours record;
    v_base bigint;
    v_lower bigint;
    v_upper bigint;
    v_high_from bigint;
    v_steps bigint;
    v_settles date;
BEGIN
    SELECT s.market INTO v_market FROM stocks AS s WHERE s.symbol = p_symbol;
    PERFORM uncross_issue(i.symbol) FROM stock_inventory AS i WHERE i.symbol = p_symbol AND i.auction_id IS NOT NULL;
    SELECT * INTO v_inventory FROM stock_inventory AS i WHERE i.symbol = p_symbol;
    PERFORM expire_orders(p_symbol, p_date);
    SELECT p.price_date, p.close_won INTO v_close
    FROM stock_prices AS p WHERE p.symbol = p_symbol AND p.price_date < p_date
    ORDER BY p.price_date DESC LIMIT 1;
    v_base := CASE WHEN v_close.price_date >= v_inventory.quote_date THEN v_close.close_won ELSE v_inventory.last_won END;
    v_settles := business_day_after(v_market, p_date, 2);
    SELECT h.opens_at, h.closes_at INTO v_hours FROM continuous_hours(v_market, p_date) AS h;
    v_lower := lower_limit_won(v_market, p_date, v_base);
    v_upper := upper_limit_won(v_market, p_date, v_base);
    SELECT count(*), min(t.price_from_won) INTO v_steps, v_high_from
    FROM tick_sizes AS t
    WHERE
        t.market = v_market
        AND t.valid_from = (SELECT max(f.valid_from) FROM tick_sizes AS f WHERE f.market = v_market AND f.valid_from <= p_date)
        AND t.price_from_won > v_lower
        AND t.price_from_won <= v_upper;
    UPDATE stock_inventory SET
        quote_date = p_date,
        base_won = v_base,
        last_won = v_base,
        lower_won = v_lower,
        upper_won = v_upper,
        tick_won = CASE WHEN v_steps <= 1 THEN tick_won(v_market, p_date, v_lower) END,
        high_tick_from_won = CASE WHEN v_steps = 1 THEN v_high_from END,
        high_tick_won = CASE WHEN v_steps = 1 THEN tick_won(v_market, p_date, v_high_from) END,
        settles_on = v_settles,
        sell_tax_rate = (
            SELECT t.sell_rate FROM tax_rates AS t
            WHERE t.market = v_market AND t.settles_from <= v_settles ORDER BY t.settles_from DESC LIMIT 1
        ),
        opens_at = v_hours.opens_at,
        closes_at = v_hours.closes_at
    WHERE symbol = p_symbol;
END
$body$;
COMMENT ON FUNCTION open_day(text, date, timestamptz) IS 'Ends an issue''s trading day and opens the next: day orders expire, the base price, the limits, the ticks, the tax rate and the hours are set. Needs the symbol and the owners of its resting orders locked';

CREATE OR REPLACE FUNCTION replay_order(p_order_id bigint)
RETURNS order_answer LANGUAGE sql STABLE AS $body$
    SELECT
        o.status, o.reason, o.order_id, o.filled_quantity,
        coalesce(sum(t.value_won), 0)::bigint,
        coalesce(sum(CASE WHEN o.side = 'buy' THEN t.buy_fee_won ELSE t.sell_fee_won END), 0)::bigint,
        coalesce(sum(CASE WHEN o.side = 'sell' THEN t.sell_tax_won ELSE 0 END), 0)::bigint,
        true
    FROM orders AS o
    LEFT JOIN trades AS t ON (o.side = 'buy' AND t.buy_order_id = o.order_id) OR (o.side = 'sell' AND t.sell_order_id = o.order_id)
    WHERE o.order_id = p_order_id
    GROUP BY o.order_id
$body$;
COMMENT ON FUNCTION replay_order(bigint) IS 'The answer for an order that is already there, as it stands now';

CREATE OR REPLACE FUNCTION refusal(p_reason text)
RETURNS order_answer LANGUAGE sql IMMUTABLE AS $body$
    SELECT 'rejected', p_reason, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint, false
$body$;
COMMENT ON FUNCTION refusal(text) IS 'The answer for a request that cannot become an order';

CREATE OR REPLACE FUNCTION refuse_quarantined(p_prediction_id bigint)
RETURNS void LANGUAGE plpgsql AS $body$
BEGIN
    IF EXISTS (SELECT 1 FROM predictions AS p WHERE p.prediction_id = p_prediction_id AND p.status = 'quarantined') THEN
        RAISE EXCEPTION 'prediction % is quarantined: no order follows from it', p_prediction_id
            USING ERRCODE = 'P0001', HINT = 'See why with: stockops trade predictions list --status quarantined';
    END IF;
END
$body$;
COMMENT ON FUNCTION refuse_quarantined(bigint) IS 'Says why there can be no order of a quarantined prediction; that there is none, the foreign key of orders holds';

CREATE OR REPLACE FUNCTION place_order(
    p_key text, p_account_id bigint, p_symbol text, p_side text, p_kind text, p_limit_won bigint, p_quantity bigint,
    p_business_date date DEFAULT NULL, p_at timestamptz DEFAULT NULL,
    p_portfolio_id bigint DEFAULT NULL, p_condition_id bigint DEFAULT NULL, p_prediction_id bigint DEFAULT NULL
)
RETURNS order_answer LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $body$
DECLARE
    v_at timestamptz := coalesce(p_at, clock_timestamp());
    v_kst timestamp := v_at AT TIME ZONE 'Asia/Seoul';
    v_date date := coalesce(p_business_date, v_kst::date);
    v_buys boolean := p_side = 'buy';
    v_collects boolean;  -- a call auction runs: the order rests, and meets nobody
    -- The symbol's day.
    v_available_shares bigint;
    v_last bigint;  -- its last price, and what the order makes of it
    v_quote_date date;
    v_lower_won bigint;
    v_upper_won bigint;
    v_settles_on date;
    v_tax_rate numeric;
    v_tick_won bigint;
    v_open boolean;
    v_stock record;
    v_same_key bigint;
    v_meets boolean;  -- true where a resting order is met, else NULL
    v_available_quantity bigint;
    a record;  -- the account
    m record;  -- one of several resting orders, or the account of one
    v_next bigint;  -- a resting order that is met after the first one
    -- The resting order that would be met first.
    m_order bigint;
    m_account bigint;
    m_price bigint;
    m_reserved bigint;
    m_remaining bigint;
    -- Of the only resting order that is met: NULL where there is none, or another one.
    m_event bigint;
    m_won bigint;
    m_fee bigint;
    m_tax bigint;
    t_user bigint;  -- its owner
    t_rate numeric;
    t_exempt boolean;
    t_fee bigint;
    t_tax bigint;
    t_reserve bigint;  -- reservation that it keeps
    v_reason text;
    v_order_id bigint;
    v_event bigint;
    v_remaining bigint := p_quantity;
    v_fill bigint;
    v_at_account integer;
    -- What the house gave, and what all gave together where a resting order is met; NULL is nothing.
    v_house bigint;
    v_house_won bigint;
    v_house_fee bigint;
    v_house_tax bigint;
    v_won bigint;
    v_fee bigint;
    v_tax bigint;
    v_reserve bigint;  -- what an open buy holds; NULL is nothing
    v_status text;
    -- The resting orders that are met, in the order in which they are; left NULL by an order that meets none, or one alone.
    f_event bigint[];
    f_order bigint[];
    f_account bigint[];
    f_price bigint[];
    f_quantity bigint[];
    f_left bigint[];  -- shares that rest on
    f_released bigint[];  -- reservation that the fill ends or shrinks
    f_reserve bigint[];  -- reservation that the order keeps
    f_fee bigint[];
    f_tax bigint[];
    f_their_fee bigint[];
    f_their_tax bigint[];
    -- Their accounts, in the order in which they are locked.
    g_account bigint[];
    g_user bigint[];
    g_rate numeric[];
    g_exempt boolean[];
BEGIN
    IF current_setting('transaction_isolation') = 'repeatable read' OR p_quantity IS NULL OR p_quantity < 1
        OR coalesce(length(p_key), 0) NOT BETWEEN 1 AND 64 OR p_side IS NULL OR p_kind IS NULL
        OR NOT (v_buys OR p_side = 'sell')
        OR NOT (p_kind = 'limit' AND p_limit_won >= 1 AND p_limit_won IS NOT NULL OR p_kind = 'market' AND p_limit_won IS NULL)
    THEN
        IF current_setting('transaction_isolation') = 'repeatable read' THEN
            PERFORM refuse_old_reads('place_order');
        END IF;
        RETURN refusal(CASE WHEN p_quantity >= 1 THEN 'bad_request' ELSE 'bad_quantity' END);
    END IF;

    -- v_open and v_tick_won are NULL where the row of the issue does not tell: it knows the hours, and the steps within the
    -- limits, of its own day.
    SELECT
        i.available_shares, i.last_won, i.quote_date, i.lower_won, i.upper_won, i.settles_on, i.sell_tax_rate,
        CASE
            WHEN p_limit_won NOT BETWEEN i.lower_won AND i.upper_won THEN NULL
            WHEN p_limit_won >= i.high_tick_from_won THEN i.high_tick_won
            ELSE i.tick_won
        END,
        i.auction_id IS NULL AND CASE
            WHEN i.quote_date = v_date AND i.opens_at IS NOT NULL
                THEN v_kst::date = v_date AND v_kst::time >= i.opens_at AND v_kst::time < i.closes_at
        END
    INTO v_available_shares, v_last, v_quote_date, v_lower_won, v_upper_won, v_settles_on, v_tax_rate, v_tick_won, v_open
    FROM stock_inventory AS i
    WHERE i.symbol = p_symbol
    FOR NO KEY UPDATE;
    SELECT k.market, k.status, k.listed_shares INTO v_stock FROM stocks AS k WHERE k.symbol = p_symbol;
    SELECT o.order_id INTO v_same_key FROM orders AS o WHERE o.account_id = p_account_id AND o.idempotency_key = p_key;
    IF v_open IS NOT TRUE OR v_quote_date < v_date OR v_same_key IS NOT NULL OR v_tick_won IS NULL THEN
        IF v_quote_date IS NULL THEN
            RETURN refusal('unknown_symbol');
        END IF;
        v_open := coalesce(v_open, session_open(v_stock.market, v_date, v_at));
        IF NOT v_open OR v_quote_date < v_date THEN
            CASE advance_issue(p_symbol, p_account_id, v_date, v_at)
                WHEN 'moved' THEN
                    RETURN place_order(p_key, p_account_id, p_symbol, p_side, p_kind, p_limit_won, p_quantity, v_date, v_at,
                        p_portfolio_id, p_condition_id, p_prediction_id);
                WHEN 'collects' THEN
                    v_collects := true;
                    v_open := true;
                    g_user := ARRAY(
                        SELECT c.user_id FROM orders AS o JOIN accounts AS c ON c.account_id = o.account_id
                        WHERE o.symbol = p_symbol AND o.side <> p_side
                            AND CASE WHEN v_buys THEN o.resting_won <= p_limit_won ELSE o.resting_won >= p_limit_won END
                    );
                ELSE NULL;
            END CASE;
        END IF;
        IF v_same_key IS NOT NULL THEN
            IF EXISTS (SELECT 1 FROM orders AS o
                WHERE o.order_id = v_same_key AND o.symbol = p_symbol AND o.side = p_side AND o.kind = p_kind AND o.quantity = p_quantity
                    AND (o.limit_won, o.portfolio_id, o.condition_id, o.prediction_id)
                        IS NOT DISTINCT FROM (p_limit_won, p_portfolio_id, p_condition_id, p_prediction_id))
            THEN
                RETURN replay_order(v_same_key);
            END IF;
            RETURN refusal('key_reused');
        END IF;
        IF v_tick_won IS NULL THEN
            SELECT t.tick_won INTO v_tick_won
            FROM tick_sizes AS t WHERE t.market = v_stock.market AND t.valid_from <= v_date AND t.price_from_won <= coalesce(p_limit_won, 1)
            ORDER BY t.valid_from DESC, t.price_from_won DESC LIMIT 1;
        END IF;
    END IF;
    IF v_buys THEN
        SELECT o.order_id, o.account_id, o.resting_won, o.reserved_won, o.quantity - o.filled_quantity
        INTO m_order, m_account, m_price, m_reserved, m_remaining
        FROM orders AS o WHERE o.symbol = p_symbol AND o.side = 'sell' AND o.resting_won <= coalesce(p_limit_won, v_upper_won)
        ORDER BY o.resting_won, o.order_id;
    ELSE
        -- The index has the first order of the dearest price at its other end: the price alone is looked for.
        SELECT o.resting_won INTO m_price
        FROM orders AS o WHERE o.symbol = p_symbol AND o.side = 'buy' AND o.resting_won >= coalesce(p_limit_won, v_lower_won)
        ORDER BY o.resting_won DESC;
        SELECT p.quantity - p.reserved_quantity INTO v_available_quantity
        FROM positions AS p WHERE p.account_id = p_account_id AND p.symbol = p_symbol;
    END IF;
    IF m_price IS NOT NULL AND v_collects IS NOT TRUE THEN
        v_meets := true;
        IF NOT v_buys THEN
            SELECT o.order_id, o.account_id, o.reserved_won, o.quantity - o.filled_quantity
            INTO m_order, m_account, m_reserved, m_remaining
            FROM orders AS o WHERE o.symbol = p_symbol AND o.side = 'buy' AND o.resting_won = m_price
            ORDER BY o.order_id;
        END IF;
        -- Two thirds of the orders that meet any meet one alone, which needs no array.
        IF m_remaining < p_quantity THEN
            SELECT o.order_id INTO v_next
            FROM orders AS o
            WHERE
                o.symbol = p_symbol
                AND o.side = CASE WHEN v_buys THEN 'sell' ELSE 'buy' END
                AND o.resting_won >= CASE WHEN v_buys THEN 1 ELSE coalesce(p_limit_won, v_lower_won) END
                AND o.resting_won <= CASE WHEN v_buys THEN coalesce(p_limit_won, v_upper_won) ELSE v_upper_won END
                AND o.order_id <> m_order;
        END IF;
        IF v_next IS NULL THEN
            v_fill := least(p_quantity, m_remaining);
            v_remaining := p_quantity - v_fill;
            v_last := m_price;
            IF m_account < p_account_id THEN
                SELECT c.user_id, c.tax_exempt,
                    (SELECT f.commission_rate FROM fee_schedules AS f
                        WHERE f.broker_id = c.broker_id AND f.valid_from <= v_date ORDER BY f.valid_from DESC LIMIT 1)
                INTO t_user, t_exempt, t_rate
                FROM accounts AS c WHERE c.account_id = m_account FOR NO KEY UPDATE OF c;
            END IF;
        ELSE
            FOR m IN
                SELECT o.order_id, o.account_id, o.resting_won, o.reserved_won, o.quantity - o.filled_quantity AS remaining
                FROM orders AS o
                WHERE
                    o.symbol = p_symbol
                    AND o.side = CASE WHEN v_buys THEN 'sell' ELSE 'buy' END
                    AND o.resting_won >= CASE WHEN v_buys THEN 1 ELSE coalesce(p_limit_won, v_lower_won) END
                    AND o.resting_won <= CASE WHEN v_buys THEN coalesce(p_limit_won, v_upper_won) ELSE v_upper_won END
                ORDER BY CASE WHEN v_buys THEN o.resting_won ELSE -o.resting_won END, o.order_id
            LOOP
                v_fill := least(v_remaining, m.remaining);
                f_order := f_order || m.order_id;
                f_account := f_account || m.account_id;
                f_price := f_price || m.resting_won;
                f_quantity := f_quantity || v_fill;
                f_left := f_left || (m.remaining - v_fill);
                f_released := f_released || m.reserved_won;
                v_last := m.resting_won;
                v_remaining := v_remaining - v_fill;
                EXIT WHEN v_remaining = 0;
            END LOOP;
            FOR m IN
                SELECT c.account_id, c.user_id, c.tax_exempt,
                    (SELECT f.commission_rate FROM fee_schedules AS f
                        WHERE f.broker_id = c.broker_id AND f.valid_from <= v_date ORDER BY f.valid_from DESC LIMIT 1) AS rate
                FROM accounts AS c
                WHERE c.account_id = ANY (f_account || p_account_id)
                ORDER BY c.account_id FOR NO KEY UPDATE OF c
            LOOP
                IF m.account_id = ANY (f_account) THEN
                    g_account := g_account || m.account_id;
                    g_user := g_user || m.user_id;
                    g_rate := g_rate || m.rate;
                    g_exempt := g_exempt || m.tax_exempt;
                END IF;
            END LOOP;
        END IF;
    END IF;
    SELECT c.status, c.user_id, c.tax_exempt, c.cash_won - c.reserved_won AS available_won,
        (SELECT f.commission_rate FROM fee_schedules AS f
            WHERE f.broker_id = c.broker_id AND f.valid_from <= v_date ORDER BY f.valid_from DESC LIMIT 1) AS rate
    INTO a
    FROM accounts AS c WHERE c.account_id = p_account_id AND c.kind = 'customer' FOR NO KEY UPDATE OF c;
    IF a.user_id IS NULL OR p_quantity > v_stock.listed_shares OR p_prediction_id IS NOT NULL
        OR (v_meets AND t_user IS NULL AND v_next IS NULL)
    THEN
        IF NOT FOUND THEN
            RETURN refusal('unknown_account');
        END IF;
        IF p_quantity > v_stock.listed_shares AND v_stock.status <> 'delisted' THEN  -- all of these may have been paid out
            RETURN refusal('bad_quantity');
        END IF;
        IF v_meets AND t_user IS NULL AND v_next IS NULL THEN
            SELECT c.user_id, c.tax_exempt,
                (SELECT f.commission_rate FROM fee_schedules AS f
                    WHERE f.broker_id = c.broker_id AND f.valid_from <= v_date ORDER BY f.valid_from DESC LIMIT 1)
            INTO t_user, t_exempt, t_rate
            FROM accounts AS c WHERE c.account_id = m_account FOR NO KEY UPDATE OF c;
        END IF;
        IF p_prediction_id IS NOT NULL THEN
            PERFORM refuse_quarantined(p_prediction_id);
        END IF;
    END IF;

    v_reason := CASE
        WHEN a.status <> 'active' THEN 'account_inactive'
        WHEN v_stock.status <> 'listed' THEN v_stock.status  -- delisted, halted
        WHEN NOT v_open OR v_date < v_quote_date OR v_tick_won IS NULL OR a.rate IS NULL THEN 'closed_session'
        WHEN v_collects AND p_limit_won IS NULL THEN 'limit_only'
        WHEN p_limit_won % v_tick_won <> 0 THEN 'off_tick'
        WHEN p_limit_won < v_lower_won OR p_limit_won > v_upper_won THEN 'outside_price_limit'
        WHEN NOT v_buys AND coalesce(v_available_quantity, 0) < p_quantity THEN 'insufficient_shares'
        WHEN v_buys AND p_limit_won * p_quantity + floor(p_limit_won * p_quantity * a.rate) > a.available_won THEN 'insufficient_cash'
        WHEN a.user_id = t_user OR a.user_id = ANY (g_user) THEN 'self_match'
    END;
    v_order_id := nextval('event_ids');
    IF v_reason IS NULL THEN
        IF v_meets THEN
            IF t_user IS NOT NULL THEN
                m_event := nextval('event_ids');
                m_won := v_last * v_fill;
                m_fee := floor(m_won * a.rate);
                m_tax := CASE WHEN v_buys OR a.tax_exempt THEN 0 ELSE floor(m_won * v_tax_rate) END;
                t_fee := floor(m_won * t_rate);
                t_tax := CASE WHEN v_buys AND NOT t_exempt THEN floor(m_won * v_tax_rate) ELSE 0 END;
                t_reserve := CASE WHEN v_buys THEN 0
                    ELSE v_last * (m_remaining - v_fill) + floor(v_last * (m_remaining - v_fill) * t_rate) END;
                v_event := m_event;
                v_won := m_won;
                v_fee := m_fee;
                v_tax := m_tax;
            ELSE
                v_won := 0;
                v_fee := 0;
                v_tax := 0;
                FOR n IN 1 .. cardinality(f_order) LOOP
                    v_fill := f_price[n] * f_quantity[n];
                    f_event := f_event || nextval('event_ids');
                    f_fee := f_fee || floor(v_fill * a.rate)::bigint;
                    f_tax := f_tax || CASE WHEN v_buys OR a.tax_exempt THEN 0 ELSE floor(v_fill * v_tax_rate)::bigint END;
                    v_at_account := array_position(g_account, f_account[n]);
                    f_their_fee := f_their_fee || floor(v_fill * g_rate[v_at_account])::bigint;
                    f_their_tax := f_their_tax || CASE WHEN v_buys AND NOT g_exempt[v_at_account] THEN floor(v_fill * v_tax_rate)::bigint ELSE 0 END;
                    f_reserve := f_reserve || CASE WHEN v_buys THEN 0
                        ELSE f_price[n] * f_left[n] + floor(f_price[n] * f_left[n] * g_rate[v_at_account])::bigint END;
                    v_won := v_won + v_fill;
                    v_fee := v_fee + f_fee[n];
                    v_tax := v_tax + f_tax[n];
                    v_event := f_event[n];
                END LOOP;
            END IF;
        END IF;
        IF v_remaining > 0 AND v_collects IS NOT TRUE
            AND (p_limit_won IS NULL OR CASE WHEN v_buys THEN v_last <= p_limit_won ELSE v_last >= p_limit_won END)
            AND (v_available_shares > 0 OR NOT v_buys)
        THEN
            v_house := CASE WHEN v_buys THEN least(v_remaining, v_available_shares) ELSE v_remaining END;
            v_event := nextval('event_ids');
            v_house_won := v_last * v_house;
            v_house_fee := floor(v_house_won * a.rate);
            v_house_tax := CASE WHEN v_buys OR a.tax_exempt THEN 0 ELSE floor(v_house_won * v_tax_rate) END;
            v_remaining := v_remaining - v_house;
            IF v_meets THEN
                v_won := v_won + v_house_won;
                v_fee := v_fee + v_house_fee;
                v_tax := v_tax + v_house_tax;
            END IF;
        END IF;
    END IF;

    IF v_reason IS NOT NULL
        OR (v_buys AND p_limit_won IS NULL AND coalesce(v_won + v_fee, v_house_won + v_house_fee) > a.available_won)
    THEN
        v_reason := coalesce(v_reason, 'insufficient_cash');
        WITH refused AS (
            INSERT INTO orders (order_id, account_id, idempotency_key, symbol, side, kind, limit_won, quantity, status, reason,
                portfolio_id, condition_id, prediction_id, business_date, placed_at, closed_event_id)
            VALUES (v_order_id, p_account_id, p_key, p_symbol, p_side, p_kind, p_limit_won, p_quantity, 'rejected', v_reason,
                p_portfolio_id, p_condition_id, p_prediction_id, v_date, v_at, v_order_id)
        )
        INSERT INTO audit_log (audit_id, business_date, user_id, action, entity, entity_id, detail)
        VALUES (v_order_id, v_date, a.user_id, 'place', 'order', v_order_id,
            concat_ws(' ', p_side, p_kind, p_symbol, p_quantity, 'at', coalesce(p_limit_won::text, 'market'), 'rejected', v_reason));
        RETURN ROW('rejected', v_reason, v_order_id, 0, 0, 0, 0, false)::order_answer;
    END IF;

    IF v_remaining = 0 THEN
        v_status := 'filled';
    ELSIF p_limit_won IS NULL THEN
        v_status := 'cancelled';
        v_reason := 'no_liquidity';
    ELSE
        v_status := 'open';
        IF v_buys THEN
            v_reserve := p_limit_won * v_remaining + floor(p_limit_won * v_remaining * a.rate);
        END IF;
    END IF;
    IF v_house > 0 AND v_meets IS NULL THEN
        -- Most orders meet the house alone: all that they write is one statement.
        IF v_buys THEN
            WITH placed AS (
                INSERT INTO orders (order_id, account_id, idempotency_key, symbol, side, kind, limit_won, quantity, filled_quantity, reserved_won,
                    status, reason, portfolio_id, condition_id, prediction_id, business_date, placed_at, closed_event_id)
                VALUES (v_order_id, p_account_id, p_key, p_symbol, p_side, p_kind, p_limit_won, p_quantity, v_house, coalesce(v_reserve, 0),
                    v_status, v_reason, p_portfolio_id, p_condition_id, p_prediction_id, v_date, v_at,
                    CASE WHEN v_status <> 'open' THEN coalesce(v_event, v_order_id) END)
            ),
            paid AS (
                UPDATE accounts AS c SET cash_won = c.cash_won - v_house_won - v_house_fee, reserved_won = c.reserved_won + coalesce(v_reserve, 0)
                WHERE c.account_id = p_account_id
            ),
            traded AS (
                INSERT INTO trades (trade_id, symbol, buy_order_id, sell_order_id, taker_side, price_won, quantity,
                    buy_fee_won, sell_fee_won, sell_tax_won, business_date, settles_on, traded_at)
                VALUES (v_event, p_symbol, v_order_id, NULL, 'buy', v_last, v_house, v_house_fee, 0, 0, v_date, v_settles_on, v_at)
            ),
            booked AS (
                INSERT INTO journal_entries (journal_id, leg, business_date, account_id, asset, amount, kind)
                SELECT v_event, e.leg, v_date, e.account_id, e.asset, e.amount, e.kind
                FROM (
                    VALUES
                    (1::smallint, p_account_id, 'KRW', -v_house_won - v_house_fee, 'trade'),
                    (2::smallint, 1, 'KRW', v_house_won, 'trade'),
                    (3::smallint, p_account_id, p_symbol, v_house, 'trade'),
                    (4::smallint, 1, p_symbol, -v_house, 'trade'),
                    (5::smallint, 2, 'KRW', v_house_fee, 'fee')
                ) AS e (leg, account_id, asset, amount, kind)
                WHERE e.amount <> 0
            ),
            given AS (
                UPDATE stock_inventory AS i SET available_shares = i.available_shares - v_house, last_won = v_last
                WHERE i.symbol = p_symbol
            ),
            held AS (
                INSERT INTO positions AS p (account_id, symbol, quantity, cost_won)
                VALUES (p_account_id, p_symbol, v_house, v_house_won)
                ON CONFLICT (account_id, symbol) DO UPDATE
                SET quantity = p.quantity + excluded.quantity, cost_won = p.cost_won + excluded.cost_won
            )
            INSERT INTO audit_log (audit_id, business_date, user_id, action, entity, entity_id, detail)
            VALUES (v_order_id, v_date, a.user_id, 'place', 'order', v_order_id,
                concat_ws(' ', p_side, p_kind, p_symbol, p_quantity, 'at', coalesce(p_limit_won::text, 'market'), v_status, 'filled', v_house,
                    'for', v_house_won));
        ELSE
            WITH placed AS (
                INSERT INTO orders (order_id, account_id, idempotency_key, symbol, side, kind, limit_won, quantity, filled_quantity, reserved_won,
                    status, reason, portfolio_id, condition_id, prediction_id, business_date, placed_at, closed_event_id)
                VALUES (v_order_id, p_account_id, p_key, p_symbol, p_side, p_kind, p_limit_won, p_quantity, v_house, 0,
                    v_status, v_reason, p_portfolio_id, p_condition_id, p_prediction_id, v_date, v_at,
                    CASE WHEN v_status <> 'open' THEN coalesce(v_event, v_order_id) END)
            ),
            paid AS (
                UPDATE accounts AS c SET cash_won = c.cash_won + v_house_won - v_house_fee - v_house_tax
                WHERE c.account_id = p_account_id
            ),
            traded AS (
                INSERT INTO trades (trade_id, symbol, buy_order_id, sell_order_id, taker_side, price_won, quantity,
                    buy_fee_won, sell_fee_won, sell_tax_won, business_date, settles_on, traded_at)
                VALUES (v_event, p_symbol, NULL, v_order_id, 'sell', v_last, v_house, 0, v_house_fee, v_house_tax, v_date, v_settles_on, v_at)
            ),
            booked AS (
                INSERT INTO journal_entries (journal_id, leg, business_date, account_id, asset, amount, kind)
                SELECT v_event, e.leg, v_date, e.account_id, e.asset, e.amount, e.kind
                FROM (
                    VALUES
                    (1::smallint, p_account_id, 'KRW', v_house_won - v_house_fee - v_house_tax, 'trade'),
                    (2::smallint, 1, 'KRW', -v_house_won, 'trade'),
                    (3::smallint, p_account_id, p_symbol, -v_house, 'trade'),
                    (4::smallint, 1, p_symbol, v_house, 'trade'),
                    (5::smallint, 2, 'KRW', v_house_fee, 'fee'),
                    (6::smallint, 3, 'KRW', v_house_tax, 'tax')
                ) AS e (leg, account_id, asset, amount, kind)
                WHERE e.amount <> 0
            ),
            given AS (
                UPDATE stock_inventory AS i SET available_shares = i.available_shares + v_house, last_won = v_last
                WHERE i.symbol = p_symbol
            ),
            held AS (
                UPDATE positions AS p SET
                    cost_won = p.cost_won - div(p.cost_won::numeric * v_house, p.quantity)::bigint,
                    quantity = p.quantity - v_house
                WHERE p.account_id = p_account_id AND p.symbol = p_symbol
            )
            INSERT INTO audit_log (audit_id, business_date, user_id, action, entity, entity_id, detail)
            VALUES (v_order_id, v_date, a.user_id, 'place', 'order', v_order_id,
                concat_ws(' ', p_side, p_kind, p_symbol, p_quantity, 'at', coalesce(p_limit_won::text, 'market'), v_status, 'filled', v_house,
                    'for', v_house_won));
        END IF;
        RETURN ROW(v_status, v_reason, v_order_id, v_house, v_house_won, v_house_fee, v_house_tax, false)::order_answer;
    END IF;
    IF m_event IS NOT NULL THEN
        WITH placed AS (
            INSERT INTO orders (order_id, account_id, idempotency_key, symbol, side, kind, limit_won, quantity, filled_quantity, reserved_won,
                status, reason, portfolio_id, condition_id, prediction_id, business_date, placed_at, closed_event_id)
            VALUES (v_order_id, p_account_id, p_key, p_symbol, p_side, p_kind, p_limit_won, p_quantity, p_quantity - v_remaining, coalesce(v_reserve, 0),
                v_status, v_reason, p_portfolio_id, p_condition_id, p_prediction_id, v_date, v_at,
                CASE WHEN v_status <> 'open' THEN coalesce(v_event, v_order_id) END)
        ),
        met AS (
            UPDATE orders AS o SET
                filled_quantity = o.filled_quantity + v_fill,
                reserved_won = t_reserve,
                status = CASE WHEN v_fill = m_remaining THEN 'filled' ELSE 'open' END,
                closed_event_id = CASE WHEN v_fill = m_remaining THEN m_event END
            WHERE o.order_id = m_order
        ),
        paid AS (
            UPDATE accounts AS c SET
                cash_won = c.cash_won + CASE
                    WHEN c.account_id = p_account_id THEN CASE WHEN v_buys THEN -v_won ELSE v_won END - v_fee - v_tax
                    ELSE CASE WHEN v_buys THEN m_won ELSE -m_won END - t_fee - t_tax
                END,
                reserved_won = c.reserved_won + CASE WHEN c.account_id = p_account_id THEN coalesce(v_reserve, 0) ELSE t_reserve - m_reserved END
            WHERE c.account_id IN (p_account_id, m_account)
        ),
        traded AS (
            INSERT INTO trades (trade_id, symbol, buy_order_id, sell_order_id, taker_side, price_won, quantity,
                buy_fee_won, sell_fee_won, sell_tax_won, business_date, settles_on, traded_at)
            VALUES (m_event, p_symbol, CASE WHEN v_buys THEN v_order_id ELSE m_order END, CASE WHEN v_buys THEN m_order ELSE v_order_id END,
                p_side, v_last, v_fill, CASE WHEN v_buys THEN m_fee ELSE t_fee END, CASE WHEN v_buys THEN t_fee ELSE m_fee END, m_tax + t_tax,
                v_date, v_settles_on, v_at)
        ),
        booked AS (
            INSERT INTO journal_entries (journal_id, leg, business_date, account_id, asset, amount, kind)
            SELECT m_event, e.leg, v_date, e.account_id, e.asset, e.amount, e.kind
            FROM (
                VALUES
                (1::smallint, p_account_id, 'KRW', CASE WHEN v_buys THEN -m_won ELSE m_won END - m_fee - m_tax, 'trade'),
                (2::smallint, m_account, 'KRW', CASE WHEN v_buys THEN m_won ELSE -m_won END - t_fee - t_tax, 'trade'),
                (3::smallint, p_account_id, p_symbol, CASE WHEN v_buys THEN v_fill ELSE -v_fill END, 'trade'),
                (4::smallint, m_account, p_symbol, CASE WHEN v_buys THEN -v_fill ELSE v_fill END, 'trade'),
                (5::smallint, 2, 'KRW', m_fee + t_fee, 'fee'),
                (6::smallint, 3, 'KRW', m_tax + t_tax, 'tax')
            ) AS e (leg, account_id, asset, amount, kind)
            WHERE e.amount <> 0
        ),
        held AS (
            INSERT INTO positions AS p (account_id, symbol, quantity, cost_won)
            VALUES (CASE WHEN v_buys THEN p_account_id ELSE m_account END, p_symbol,
                CASE WHEN v_buys THEN p_quantity - v_remaining ELSE v_fill END, CASE WHEN v_buys THEN v_won ELSE m_won END)
            ON CONFLICT (account_id, symbol) DO UPDATE
            SET quantity = p.quantity + excluded.quantity, cost_won = p.cost_won + excluded.cost_won
        ),
        given AS (
            UPDATE positions AS p SET
                cost_won = p.cost_won - div(p.cost_won::numeric * CASE WHEN v_buys THEN v_fill ELSE p_quantity - v_remaining END, p.quantity)::bigint,
                quantity = p.quantity - CASE WHEN v_buys THEN v_fill ELSE p_quantity - v_remaining END,
                reserved_quantity = p.reserved_quantity + CASE WHEN v_buys THEN -v_fill WHEN v_status = 'open' THEN v_remaining ELSE 0 END
            WHERE p.account_id = CASE WHEN v_buys THEN m_account ELSE p_account_id END AND p.symbol = p_symbol
        )
        INSERT INTO audit_log (audit_id, business_date, user_id, action, entity, entity_id, detail)
        VALUES (v_order_id, v_date, a.user_id, 'place', 'order', v_order_id,
            concat_ws(' ', p_side, p_kind, p_symbol, p_quantity, 'at', coalesce(p_limit_won::text, 'market'), v_status,
                'filled', p_quantity - v_remaining, 'for', v_won));
    ELSE
        WITH placed AS (
            INSERT INTO orders (order_id, account_id, idempotency_key, symbol, side, kind, limit_won, quantity, filled_quantity, reserved_won,
                status, reason, portfolio_id, condition_id, prediction_id, business_date, placed_at, closed_event_id)
            VALUES (v_order_id, p_account_id, p_key, p_symbol, p_side, p_kind, p_limit_won, p_quantity, p_quantity - v_remaining, coalesce(v_reserve, 0),
                v_status, v_reason, p_portfolio_id, p_condition_id, p_prediction_id, v_date, v_at,
                CASE WHEN v_status <> 'open' THEN coalesce(v_event, v_order_id) END)
        ),
        paid AS (
            UPDATE accounts AS c SET
                cash_won = c.cash_won + coalesce(CASE WHEN v_buys THEN -v_won ELSE v_won END - v_fee - v_tax, 0),
                reserved_won = c.reserved_won + coalesce(v_reserve, 0)
            WHERE c.account_id = p_account_id AND (v_meets OR v_reserve > 0)
        )
        INSERT INTO audit_log (audit_id, business_date, user_id, action, entity, entity_id, detail)
        VALUES (v_order_id, v_date, a.user_id, 'place', 'order', v_order_id,
            concat_ws(' ', p_side, p_kind, p_symbol, p_quantity, 'at', coalesce(p_limit_won::text, 'market'), v_status, 'filled', p_quantity - v_remaining,
                'for', coalesce(v_won, 0)));
    END IF;

    IF v_next IS NOT NULL THEN
        WITH met AS (
            -- By the array the key is looked up, whatever the planner believes of the size of orders.
            UPDATE orders AS o SET
                filled_quantity = o.filled_quantity + f_quantity[array_position(f_order, o.order_id)],
                reserved_won = f_reserve[array_position(f_order, o.order_id)],
                status = CASE WHEN o.filled_quantity + f_quantity[array_position(f_order, o.order_id)] = o.quantity THEN 'filled' ELSE 'open' END,
                closed_event_id = CASE WHEN o.filled_quantity + f_quantity[array_position(f_order, o.order_id)] = o.quantity
                    THEN f_event[array_position(f_order, o.order_id)] END
            WHERE o.order_id = ANY (f_order)
        ),
        traded AS (
            INSERT INTO trades (trade_id, symbol, buy_order_id, sell_order_id, taker_side, price_won, quantity,
                buy_fee_won, sell_fee_won, sell_tax_won, business_date, settles_on, traded_at)
            SELECT
                f.event, p_symbol,
                CASE WHEN v_buys THEN v_order_id ELSE f.order_id END, CASE WHEN v_buys THEN f.order_id ELSE v_order_id END,
                p_side, f.price, f.quantity,
                CASE WHEN v_buys THEN f.fee ELSE f.their_fee END, CASE WHEN v_buys THEN f.their_fee ELSE f.fee END,
                f.tax + f.their_tax, v_date, v_settles_on, v_at
            FROM unnest(f_event, f_order, f_price, f_quantity, f_fee, f_tax, f_their_fee, f_their_tax)
                AS f (event, order_id, price, quantity, fee, tax, their_fee, their_tax)
        )
        INSERT INTO journal_entries (journal_id, leg, business_date, account_id, asset, amount, kind)
        SELECT f.event, e.leg, v_date, e.account_id, e.asset, e.amount, e.kind
        FROM unnest(f_event, f_account, f_price, f_quantity, f_fee, f_tax, f_their_fee, f_their_tax)
            AS f (event, account_id, price, quantity, fee, tax, their_fee, their_tax)
        CROSS JOIN LATERAL (
            VALUES
            (1::smallint, p_account_id, 'KRW', CASE WHEN v_buys THEN -1 ELSE 1 END * f.price * f.quantity - f.fee - f.tax, 'trade'),
            (2::smallint, f.account_id, 'KRW', CASE WHEN v_buys THEN 1 ELSE -1 END * f.price * f.quantity - f.their_fee - f.their_tax, 'trade'),
            (3::smallint, p_account_id, p_symbol, CASE WHEN v_buys THEN f.quantity ELSE -f.quantity END, 'trade'),
            (4::smallint, f.account_id, p_symbol, CASE WHEN v_buys THEN -f.quantity ELSE f.quantity END, 'trade'),
            (5::smallint, 2, 'KRW', f.fee + f.their_fee, 'fee'),
            (6::smallint, 3, 'KRW', f.tax + f.their_tax, 'tax')
        ) AS e (leg, account_id, asset, amount, kind)
        WHERE e.amount <> 0;
        FOR n IN 1 .. cardinality(f_order) LOOP
            UPDATE accounts AS c SET
                cash_won = c.cash_won + CASE WHEN v_buys THEN 1 ELSE -1 END * f_price[n] * f_quantity[n] - f_their_fee[n] - f_their_tax[n],
                reserved_won = c.reserved_won - f_released[n] + f_reserve[n]
            WHERE c.account_id = f_account[n];
            IF v_buys THEN
                UPDATE positions AS p SET
                    cost_won = p.cost_won - div(p.cost_won::numeric * f_quantity[n], p.quantity)::bigint,
                    quantity = p.quantity - f_quantity[n],
                    reserved_quantity = p.reserved_quantity - f_quantity[n]
                WHERE p.account_id = f_account[n] AND p.symbol = p_symbol;
            ELSE
                INSERT INTO positions AS p (account_id, symbol, quantity, cost_won)
                VALUES (f_account[n], p_symbol, f_quantity[n], f_price[n] * f_quantity[n])
                ON CONFLICT (account_id, symbol) DO UPDATE
                SET quantity = p.quantity + excluded.quantity, cost_won = p.cost_won + excluded.cost_won;
            END IF;
        END LOOP;
    END IF;
    IF v_house > 0 THEN
        WITH traded AS (
            INSERT INTO trades (trade_id, symbol, buy_order_id, sell_order_id, taker_side, price_won, quantity,
                buy_fee_won, sell_fee_won, sell_tax_won, business_date, settles_on, traded_at)
            VALUES (v_event, p_symbol, CASE WHEN v_buys THEN v_order_id END, CASE WHEN NOT v_buys THEN v_order_id END, p_side, v_last, v_house,
                CASE WHEN v_buys THEN v_house_fee ELSE 0 END, CASE WHEN v_buys THEN 0 ELSE v_house_fee END, v_house_tax,
                v_date, v_settles_on, v_at)
        ),
        booked AS (
            INSERT INTO journal_entries (journal_id, leg, business_date, account_id, asset, amount, kind)
            SELECT v_event, e.leg, v_date, e.account_id, e.asset, e.amount, e.kind
            FROM (
                VALUES
                (1::smallint, p_account_id, 'KRW', CASE WHEN v_buys THEN -v_house_won ELSE v_house_won END - v_house_fee - v_house_tax, 'trade'),
                (2::smallint, 1, 'KRW', CASE WHEN v_buys THEN v_house_won ELSE -v_house_won END, 'trade'),
                (3::smallint, p_account_id, p_symbol, CASE WHEN v_buys THEN v_house ELSE -v_house END, 'trade'),
                (4::smallint, 1, p_symbol, CASE WHEN v_buys THEN -v_house ELSE v_house END, 'trade'),
                (5::smallint, 2, 'KRW', v_house_fee, 'fee'),
                (6::smallint, 3, 'KRW', v_house_tax, 'tax')
            ) AS e (leg, account_id, asset, amount, kind)
            WHERE e.amount <> 0
        )
        UPDATE stock_inventory AS i SET
            available_shares = i.available_shares + CASE WHEN v_buys THEN -v_house ELSE v_house END,
            last_won = v_last
        WHERE i.symbol = p_symbol;
    ELSIF v_meets THEN
        UPDATE stock_inventory AS i SET last_won = v_last WHERE i.symbol = p_symbol;
    END IF;
    IF NOT v_buys AND m_event IS NULL THEN
        UPDATE positions AS p SET
            cost_won = p.cost_won - div(p.cost_won::numeric * (p_quantity - v_remaining), p.quantity)::bigint,
            quantity = p.quantity - (p_quantity - v_remaining),
            reserved_quantity = p.reserved_quantity + CASE WHEN v_status = 'open' THEN v_remaining ELSE 0 END
        WHERE p.account_id = p_account_id AND p.symbol = p_symbol;
    ELSIF v_next IS NOT NULL THEN
        INSERT INTO positions AS p (account_id, symbol, quantity, cost_won)
        VALUES (p_account_id, p_symbol, p_quantity - v_remaining, v_won)
        ON CONFLICT (account_id, symbol) DO UPDATE
        SET quantity = p.quantity + excluded.quantity, cost_won = p.cost_won + excluded.cost_won;
    END IF;
    RETURN ROW(v_status, v_reason, v_order_id, p_quantity - v_remaining, coalesce(v_won, 0), coalesce(v_fee, 0), coalesce(v_tax, 0),
        false)::order_answer;
END
$body$;
COMMENT ON FUNCTION place_order(text, bigint, text, text, text, bigint, bigint, date, timestamptz, bigint, bigint, bigint) IS 'Places one order: checks, reserves, matches by price and time, then meets the house; answers with its state. The same key again answers for the same order';
