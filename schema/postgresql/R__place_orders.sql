-- requires: R__place_order.sql
-- Many orders in one transaction: same rules, same books, one answer for each order.
--
-- All symbols are locked first, in order, then every account that any of the orders can touch, in order. Nobody else trades
-- these symbols meanwhile: keep to 1,000 orders.
--
-- Orders for different symbols touch each other only through the cash of an account. So the symbols whose buyers can pay for
-- all that they ask in the batch are traded issue by issue in variables, and what becomes of all of them is written at the
-- end, each table once: an order that another one of the batch meets is written as it ends, and no statement reads or writes
-- for one order. What is left, where cash is tight, goes through place_order one by one in the order of the array. Within a
-- symbol the order is always the array's.
--
-- Rows are looked up by their keys, whatever the planner believes of the size of a table: it knows of no array how long it is, and
-- a plan that was made while a table was small would read all of it for as long as the session lives. Only issues are hashed. OFFSET 0
-- keeps a table that grows on the inner side of its join.
--
-- place_turn, and a place_together of three arguments, stay where a database has them: a batch that is under way while this file is
-- applied still calls them.

CREATE OR REPLACE FUNCTION judge_orders(p_orders jsonb, p_date date, p_at timestamptz)
RETURNS batch_line[] LANGUAGE sql VOLATILE SET enable_hashjoin = on AS $body$
    WITH line AS MATERIALIZED (
        SELECT j.*
        FROM ROWS FROM (
            jsonb_to_recordset(p_orders) AS (
                key text, account_id bigint, symbol text, side text, kind text, limit_won bigint, quantity bigint,
                portfolio_id bigint, condition_id bigint, prediction_id bigint
            )
        ) WITH ORDINALITY AS j (key, account_id, symbol, side, kind, limit_won, quantity, portfolio_id, condition_id, prediction_id, position_no)
    ),
    market AS MATERIALIZED (
        SELECT
            l.market, session_open(l.market, p_date, p_at) AS is_open,
            (SELECT c.kind IS NOT NULL FROM auction_session(l.market, p_date, p_at) AS c) AS collects
        FROM price_limits AS l GROUP BY l.market
    ),
    issue AS MATERIALIZED (
        SELECT
            i.symbol, i.quote_date, i.lower_won, i.upper_won, i.tick_won, i.high_tick_from_won, i.high_tick_won, k.market, k.status, k.listed_shares,
            m.is_open, i.auction_id IS NOT NULL OR m.collects AS collects
        FROM (SELECT DISTINCT line.symbol FROM line) AS b
        JOIN stock_inventory AS i ON i.symbol = b.symbol
        JOIN stocks AS k ON k.symbol = i.symbol
        LEFT JOIN market AS m ON m.market = k.market
    ),
    looked AS (
        SELECT
            line.*, a.user_id, r.rate, a.tax_exempt, i.upper_won, a.cash_won - a.reserved_won AS available_won,
            count(*) OVER (PARTITION BY line.account_id, line.key) > 1
                OR (SELECT o.order_id FROM orders AS o WHERE o.account_id = line.account_id AND o.idempotency_key = line.key) IS NOT NULL AS is_replay,
            i.collects,
            CASE
                WHEN line.quantity IS NULL OR line.quantity < 1 OR (line.quantity > i.listed_shares AND i.status <> 'delisted') THEN 'bad_quantity'
                WHEN coalesce(length(line.key), 0) NOT BETWEEN 1 AND 64 OR line.side IS NULL OR line.side NOT IN ('buy', 'sell')
                    OR line.kind IS NULL OR line.kind NOT IN ('limit', 'market')
                    OR (line.kind = 'limit') <> (line.limit_won IS NOT NULL) OR line.limit_won < 1 THEN 'bad_request'
                WHEN i.symbol IS NULL THEN 'unknown_symbol'
                WHEN a.account_id IS NULL THEN 'unknown_account'
                WHEN a.status <> 'active' THEN 'account_inactive'
                WHEN i.status = 'delisted' THEN 'delisted'
                WHEN i.status = 'halted' THEN 'halted'
                WHEN NOT i.is_open OR p_date < i.quote_date OR tick.tick_won IS NULL OR r.rate IS NULL THEN 'closed_session'
                WHEN line.limit_won % tick.tick_won <> 0 THEN 'off_tick'
                WHEN line.limit_won < i.lower_won OR line.limit_won > i.upper_won THEN 'outside_price_limit'
            END AS reason
        FROM line
        LEFT JOIN issue AS i ON i.symbol = line.symbol
        LEFT JOIN LATERAL (SELECT c.* FROM accounts AS c WHERE c.account_id = line.account_id AND c.kind = 'customer' OFFSET 0) AS a ON true
        LEFT JOIN LATERAL (SELECT f.commission_rate AS rate FROM fee_schedules AS f
            WHERE f.broker_id = a.broker_id AND f.valid_from <= p_date ORDER BY f.valid_from DESC LIMIT 1) AS r ON true
        LEFT JOIN LATERAL (SELECT coalesce(
            CASE
                WHEN line.limit_won NOT BETWEEN i.lower_won AND i.upper_won THEN NULL
                WHEN line.limit_won >= i.high_tick_from_won THEN i.high_tick_won
                ELSE i.tick_won
            END,
            (SELECT t.tick_won FROM tick_sizes AS t
                WHERE t.market = i.market AND t.valid_from <= p_date AND t.price_from_won <= coalesce(line.limit_won, 1)
                ORDER BY t.valid_from DESC, t.price_from_won DESC LIMIT 1)
        ) AS tick_won) AS tick ON true
    ),
    summed AS (
        SELECT
            *,
            coalesce(reason, '') NOT IN ('bad_quantity', 'bad_request', 'unknown_symbol', 'unknown_account') AS recorded,
            sum(CASE WHEN reason IS NULL AND side = 'buy' THEN quantity * coalesce(limit_won, upper_won)
                + floor(quantity * coalesce(limit_won, upper_won) * rate) END) OVER (PARTITION BY account_id) AS asked_won
        FROM looked
    ),
    judged AS (
        SELECT
            *,
            bool_and(NOT recorded OR (NOT is_replay AND NOT collects AND (reason IS NOT NULL OR coalesce(asked_won, 0) <= available_won)))
                OVER (PARTITION BY symbol) AS together
        FROM summed
    )
    -- A cast to a row cuts texts to the length of its fields: what is too long would come to be valid.
    SELECT array_agg(
        ROW(position_no, NULL, together, CASE WHEN length(key) <= 64 THEN key END, account_id, CASE WHEN length(symbol) <= 6 THEN symbol END,
            CASE WHEN length(side) <= 4 THEN side END, CASE WHEN length(kind) <= 8 THEN kind END, limit_won, quantity,
            portfolio_id, condition_id, prediction_id, user_id, rate, tax_exempt, reason, recorded)::batch_line
        ORDER BY position_no
    )
    FROM judged
$body$;
COMMENT ON FUNCTION judge_orders(jsonb, date, timestamptz) IS 'What can be said of a batch before anything is traded; for place_orders, which holds the locks';

CREATE OR REPLACE FUNCTION place_together(p_lines batch_line[], p_resting bigint[], p_date date, p_at timestamptz)
RETURNS order_answer[] LANGUAGE plpgsql VOLATILE AS $body$
DECLARE
    r record;  -- a resting order, or an order of the batch
    v_symbol text := '';
    v_buys boolean;
    v_other integer;  -- side that the order meets: 1 sells, 2 buys
    v_available bigint;  -- shares that the house has left of the issue
    v_last bigint;
    v_reach bigint;  -- the worst price that the order takes, as a rank
    v_rank bigint;
    v_reason text;
    v_status text;
    v_order_id bigint;
    v_event bigint;
    v_left bigint;
    v_price bigint;
    v_house bigint;
    v_fill bigint;
    v_value bigint;
    v_met bigint;
    v_met_won bigint;
    v_fees bigint;
    v_taxes bigint;
    v_reserve bigint;
    v_maker bigint;
    v_their_rate numeric;
    v_h integer;
    v_mh integer;
    e integer;
    v_before integer;
    v_count integer := coalesce(cardinality(p_lines), 0);
    v_answers order_answer[] := array_fill(NULL::order_answer, ARRAY[v_count]);
    -- The orders of the batch as they end, by their place in it.
    o_order bigint[] := array_fill(NULL::bigint, ARRAY[v_count]);
    o_filled bigint[] := o_order;
    o_reserved bigint[] := o_order;
    o_status text[] := array_fill(NULL::text, ARRAY[v_count]);
    o_closed bigint[] := o_order;
    -- Orders that rest, those of the issue linked from the best price to the worst, within a price from the first to the last.
    v_rests integer := 0;
    v_heads integer[];  -- the best sell, the best buy; 0: there is none
    v_tails integer[];
    q_next integer[];
    q_rank bigint[];  -- the lower the better
    q_order bigint[];
    q_position bigint[];  -- place in the batch; NULL where it rested before
    q_account bigint[];
    q_user bigint[];
    q_rate numeric[];
    q_exempt boolean[];
    q_price bigint[];
    q_left bigint[];
    q_reserved bigint[];
    q_met bigint[];
    q_event bigint[];
    q_holding integer[];
    -- What the accounts hold of the issues.
    v_held integer := 0;
    v_first_held integer := 0;
    v_accounts bigint[];  -- those of the issue that follow v_first_held
    h_account bigint[];
    h_symbol text[];
    h_quantity bigint[];
    h_reserved bigint[];
    h_cost bigint[];
    h_changed boolean[];
    -- The trades. The house has account 1 and no order.
    v_trades integer := 0;
    t_event bigint[];
    t_symbol text[];
    t_side text[];
    t_settles date[];
    t_taker bigint[];
    t_account bigint[];
    t_order bigint[];
    t_maker bigint[];
    t_price bigint[];
    t_quantity bigint[];
    t_fee bigint[];
    t_tax bigint[];
    t_their_fee bigint[];
    t_their_tax bigint[];
    t_released bigint[];  -- of what an order that rested before had reserved
    v_issues integer := 0;
    i_symbol text[];
    i_available bigint[];
    i_last bigint[];
BEGIN
    FOR r IN
        WITH line AS MATERIALIZED (
            SELECT
                l.*, i.available_shares, i.last_won, i.settles_on, i.sell_tax_rate,
                CASE WHEN l.side = 'buy' THEN coalesce(l.limit_won, i.upper_won) ELSE -coalesce(l.limit_won, i.lower_won) END AS reach
            FROM unnest(p_lines) AS l
            JOIN stock_inventory AS i ON i.symbol = l.symbol
            WHERE l.together AND l.recorded
        ),
        entry AS (
            SELECT
                o.symbol, NULL::bigint AS position_no, b.n, o.order_id, o.account_id, o.side, o.side = 'buy' AS buys, NULL::bigint AS limit_won,
                o.quantity - o.filled_quantity AS quantity, o.resting_won, o.reserved_won, NULL::bigint AS reach, c.user_id, c.tax_exempt,
                (SELECT f.commission_rate FROM fee_schedules AS f
                    WHERE f.broker_id = c.broker_id AND f.valid_from <= p_date ORDER BY f.valid_from DESC LIMIT 1) AS rate,
                NULL::text AS reason, i.available_shares, i.last_won, i.settles_on, NULL::numeric AS sell_tax_rate
            FROM unnest(p_resting) WITH ORDINALITY AS b (order_id, n)
            CROSS JOIN LATERAL (SELECT rest.* FROM orders AS rest WHERE rest.order_id = b.order_id OFFSET 0) AS o
            JOIN accounts AS c ON c.account_id = o.account_id
            JOIN stock_inventory AS i ON i.symbol = o.symbol
            WHERE o.resting_won IS NOT NULL AND EXISTS (SELECT 1 FROM line)
            UNION ALL
            SELECT
                l.symbol, l.position_no, 0, NULL, l.account_id, l.side, l.side = 'buy', l.limit_won, l.quantity, NULL, NULL, l.reach, l.user_id, l.tax_exempt,
                l.rate, l.reason, l.available_shares, l.last_won, l.settles_on, l.sell_tax_rate
            FROM line AS l
        )
        SELECT e.*, p.quantity AS held_quantity, p.reserved_quantity AS held_reserved, p.cost_won AS held_cost
        FROM entry AS e
        LEFT JOIN LATERAL (SELECT h.* FROM positions AS h WHERE h.account_id = e.account_id AND h.symbol = e.symbol OFFSET 0) AS p ON true
        ORDER BY e.symbol, e.position_no NULLS FIRST, e.n
    LOOP
        v_buys := r.buys;
        IF r.symbol <> v_symbol THEN
            IF v_symbol <> '' THEN
                i_available[v_issues] := v_available;
                i_last[v_issues] := v_last;
            END IF;
            v_symbol := r.symbol;
            v_available := r.available_shares;
            v_last := r.last_won;
            v_issues := v_issues + 1;
            i_symbol[v_issues] := v_symbol;
            v_heads := ARRAY[0, 0];
            v_tails := ARRAY[0, 0];
            v_first_held := v_held;
            v_accounts := NULL;
        END IF;
        v_h := v_first_held + array_position(v_accounts, r.account_id);
        IF v_h IS NULL THEN
            v_held := v_held + 1;
            v_h := v_held;
            v_accounts := v_accounts || r.account_id;
            h_account[v_h] := r.account_id;
            h_symbol[v_h] := v_symbol;
            h_quantity[v_h] := coalesce(r.held_quantity, 0);
            h_reserved[v_h] := coalesce(r.held_reserved, 0);
            h_cost[v_h] := coalesce(r.held_cost, 0);
            h_changed[v_h] := false;
        END IF;

        v_other := CASE WHEN v_buys THEN 1 ELSE 2 END;
        v_left := r.quantity;
        v_reserve := r.reserved_won;
        v_price := r.resting_won;
        v_order_id := r.order_id;
        IF r.position_no IS NOT NULL THEN
            v_order_id := nextval('event_ids');
            v_event := v_order_id;
            v_reason := r.reason;
            v_met := 0;
            v_met_won := 0;
            v_fees := 0;
            v_taxes := 0;
            v_reserve := 0;
            v_house := 0;
            v_price := v_last;
            IF v_reason IS NULL AND NOT v_buys AND h_quantity[v_h] - h_reserved[v_h] < v_left THEN
                v_reason := 'insufficient_shares';
            END IF;
            IF v_reason IS NULL THEN
                v_reach := r.reach;
                e := v_heads[v_other];
                WHILE e > 0 AND v_left > 0 LOOP
                    EXIT WHEN q_rank[e] > v_reach;
                    IF q_user[e] = r.user_id THEN
                        v_reason := 'self_match';
                        EXIT;
                    END IF;
                    v_left := v_left - q_left[e];
                    v_price := q_price[e];
                    e := q_next[e];
                END LOOP;
            END IF;
            IF v_reason IS NOT NULL THEN
                v_status := 'rejected';
            ELSE
                IF v_left > 0 AND (CASE WHEN v_buys THEN v_price ELSE -v_price END) <= v_reach THEN
                    v_house := CASE WHEN v_buys THEN least(v_left, v_available) ELSE v_left END;
                END IF;
                v_left := r.quantity;
                WHILE v_left > 0 LOOP
                    e := v_heads[v_other];
                    IF e > 0 AND q_rank[e] <= v_reach THEN
                        v_fill := least(v_left, q_left[e]);
                        v_maker := q_account[e];
                        v_value := q_price[e] * v_fill;
                        v_their_rate := q_rate[e];
                    ELSIF v_house > 0 THEN
                        e := 0;
                        v_fill := v_house;
                        v_maker := 1;
                        v_value := v_price * v_fill;
                        v_house := 0;
                    ELSE
                        EXIT;
                    END IF;
                    v_event := nextval('event_ids');
                    v_trades := v_trades + 1;
                    t_event[v_trades] := v_event;
                    t_symbol[v_trades] := v_symbol;
                    t_side[v_trades] := r.side;
                    t_settles[v_trades] := r.settles_on;
                    t_taker[v_trades] := v_order_id;
                    t_account[v_trades] := r.account_id;
                    t_maker[v_trades] := v_maker;
                    t_quantity[v_trades] := v_fill;
                    t_fee[v_trades] := floor(v_value * r.rate)::bigint;
                    t_tax[v_trades] := CASE WHEN v_buys OR r.tax_exempt THEN 0 ELSE floor(v_value * r.sell_tax_rate)::bigint END;
                    v_left := v_left - v_fill;
                    v_met := v_met + v_fill;
                    v_met_won := v_met_won + v_value;
                    v_fees := v_fees + t_fee[v_trades];
                    v_taxes := v_taxes + t_tax[v_trades];
                    IF e = 0 THEN
                        t_order[v_trades] := NULL;
                        t_price[v_trades] := v_price;
                        t_their_fee[v_trades] := 0;
                        t_their_tax[v_trades] := 0;
                        t_released[v_trades] := 0;
                        v_available := v_available + CASE WHEN v_buys THEN -v_fill ELSE v_fill END;
                    ELSE
                        v_mh := q_holding[e];
                        h_changed[v_mh] := true;
                        t_order[v_trades] := q_order[e];
                        t_price[v_trades] := q_price[e];
                        t_their_fee[v_trades] := floor(v_value * v_their_rate)::bigint;
                        t_their_tax[v_trades] := CASE WHEN v_buys AND NOT q_exempt[e] THEN floor(v_value * r.sell_tax_rate)::bigint ELSE 0 END;
                        q_left[e] := q_left[e] - v_fill;
                        q_met[e] := q_met[e] + v_fill;
                        v_reserve := 0;
                        IF v_buys THEN
                            h_cost[v_mh] := h_cost[v_mh] - div(h_cost[v_mh]::numeric * v_fill, h_quantity[v_mh])::bigint;
                            h_quantity[v_mh] := h_quantity[v_mh] - v_fill;
                            h_reserved[v_mh] := h_reserved[v_mh] - v_fill;
                        ELSE
                            h_quantity[v_mh] := h_quantity[v_mh] + v_fill;
                            h_cost[v_mh] := h_cost[v_mh] + v_value;
                            v_reserve := q_price[e] * q_left[e] + floor(q_price[e] * q_left[e] * v_their_rate)::bigint;
                        END IF;
                        t_released[v_trades] := CASE WHEN q_position[e] IS NULL THEN q_reserved[e] - v_reserve ELSE 0 END;
                        q_reserved[e] := v_reserve;
                        q_event[e] := CASE WHEN q_left[e] = 0 THEN v_event END;
                        IF q_position[e] IS NOT NULL THEN
                            o_filled[q_position[e]] := o_filled[q_position[e]] + v_fill;
                            o_reserved[q_position[e]] := v_reserve;
                            IF q_left[e] = 0 THEN
                                o_status[q_position[e]] := 'filled';
                                o_closed[q_position[e]] := v_event;
                            END IF;
                        END IF;
                        IF q_left[e] = 0 THEN
                            v_heads[v_other] := q_next[e];
                        END IF;
                    END IF;
                END LOOP;
                v_reserve := 0;
                v_status := CASE WHEN v_left = 0 THEN 'filled' WHEN r.limit_won IS NULL THEN 'cancelled' ELSE 'open' END;
                IF v_status = 'cancelled' THEN
                    v_reason := 'no_liquidity';
                END IF;
                IF v_met > 0 THEN
                    v_last := v_price;
                    h_changed[v_h] := true;
                    IF v_buys THEN
                        h_quantity[v_h] := h_quantity[v_h] + v_met;
                        h_cost[v_h] := h_cost[v_h] + v_met_won;
                    ELSE
                        h_cost[v_h] := h_cost[v_h] - div(h_cost[v_h]::numeric * v_met, h_quantity[v_h])::bigint;
                        h_quantity[v_h] := h_quantity[v_h] - v_met;
                    END IF;
                END IF;
                IF v_status = 'open' THEN
                    IF v_buys THEN
                        v_reserve := r.limit_won * v_left + floor(r.limit_won * v_left * r.rate)::bigint;
                    ELSE
                        h_reserved[v_h] := h_reserved[v_h] + v_left;
                        h_changed[v_h] := true;
                    END IF;
                END IF;
            END IF;
            v_answers[r.position_no] := ROW(v_status, v_reason, v_order_id, v_met, v_met_won, v_fees, v_taxes, false);
            o_order[r.position_no] := v_order_id;
            o_filled[r.position_no] := v_met;
            o_reserved[r.position_no] := v_reserve;
            o_status[r.position_no] := v_status;
            IF v_status <> 'open' THEN
                o_closed[r.position_no] := v_event;
                CONTINUE;
            END IF;
            v_price := r.limit_won;
        END IF;

        v_other := 3 - v_other;
        v_rank := CASE WHEN v_buys THEN -v_price ELSE v_price END;
        v_rests := v_rests + 1;
        q_rank[v_rests] := v_rank;
        q_order[v_rests] := v_order_id;
        q_position[v_rests] := r.position_no;
        q_account[v_rests] := r.account_id;
        q_user[v_rests] := r.user_id;
        q_rate[v_rests] := r.rate;
        q_exempt[v_rests] := r.tax_exempt;
        q_price[v_rests] := v_price;
        q_left[v_rests] := v_left;
        q_reserved[v_rests] := v_reserve;
        q_met[v_rests] := 0;
        q_event[v_rests] := NULL;
        q_holding[v_rests] := v_h;
        v_before := 0;
        e := v_heads[v_other];
        IF e > 0 AND q_rank[v_tails[v_other]] <= v_rank THEN
            v_before := v_tails[v_other];
            e := 0;
        END IF;
        WHILE e > 0 LOOP
            EXIT WHEN q_rank[e] > v_rank;
            v_before := e;
            e := q_next[e];
        END LOOP;
        IF e = 0 THEN
            v_tails[v_other] := v_rests;
        END IF;
        q_next[v_rests] := e;
        IF v_before = 0 THEN
            v_heads[v_other] := v_rests;
        ELSE
            q_next[v_before] := v_rests;
        END IF;
    END LOOP;
    IF v_issues = 0 THEN
        RETURN v_answers;
    END IF;
    i_available[v_issues] := v_available;
    i_last[v_issues] := v_last;

    WITH line AS MATERIALIZED (
        SELECT
            l.key, l.account_id, l.symbol, l.side, l.kind, l.limit_won, l.quantity, l.portfolio_id, l.condition_id, l.prediction_id, l.user_id,
            o_order[l.position_no] AS order_id, o_filled[l.position_no] AS all_filled, o_reserved[l.position_no] AS reserved_won,
            o_status[l.position_no] AS end_status, o_closed[l.position_no] AS closed_event_id,
            (v_answers[l.position_no]).status, (v_answers[l.position_no]).reason, (v_answers[l.position_no]).filled_quantity AS filled,
            (v_answers[l.position_no]).filled_value_won AS value_won
        FROM unnest(p_lines) AS l
        WHERE o_order[l.position_no] IS NOT NULL
    ),
    trade AS MATERIALIZED (
        SELECT
            t.*, t.side = 'buy' AS buys, t.price_won * t.quantity AS value_won,
            CASE t.side WHEN 'buy' THEN -1 ELSE 1 END AS way
        FROM (
            SELECT
                t_event[n] AS event_id, t_symbol[n] AS symbol, t_side[n] AS side, t_settles[n] AS settles_on, t_taker[n] AS taker_id,
                t_account[n] AS account_id, t_order[n] AS order_id, t_maker[n] AS maker_id, t_price[n] AS price_won, t_quantity[n] AS quantity,
                t_fee[n] AS fee_won, t_tax[n] AS tax_won, t_their_fee[n] AS their_fee_won, t_their_tax[n] AS their_tax_won,
                t_released[n] AS released_won
            FROM generate_series(1, v_trades) AS n
            OFFSET 0
        ) AS t
    ),
    placed AS (
        INSERT INTO orders (order_id, account_id, idempotency_key, symbol, side, kind, limit_won, quantity, filled_quantity, reserved_won,
            status, reason, portfolio_id, condition_id, prediction_id, business_date, placed_at, closed_event_id)
        SELECT
            l.order_id, l.account_id, l.key, l.symbol, l.side, l.kind, l.limit_won, l.quantity, l.all_filled, l.reserved_won,
            l.end_status, l.reason, l.portfolio_id, l.condition_id, l.prediction_id, p_date, p_at, l.closed_event_id
        FROM line AS l
    ),
    resting AS (
        UPDATE orders AS o SET
            filled_quantity = o.filled_quantity + q.met,
            reserved_won = q.reserved_won,
            status = CASE WHEN q.quantity = 0 THEN 'filled' ELSE 'open' END,
            closed_event_id = q.event_id
        FROM (
            SELECT q_order[n] AS order_id, q_met[n] AS met, q_left[n] AS quantity, q_reserved[n] AS reserved_won, q_event[n] AS event_id
            FROM generate_series(1, v_rests) AS n WHERE q_position[n] IS NULL AND q_met[n] > 0
        ) AS q
        WHERE o.order_id = q.order_id
    ),
    traded AS (
        INSERT INTO trades (trade_id, symbol, buy_order_id, sell_order_id, taker_side, price_won, quantity,
            buy_fee_won, sell_fee_won, sell_tax_won, business_date, settles_on, traded_at)
        SELECT
            t.event_id, t.symbol, CASE WHEN t.buys THEN t.taker_id ELSE t.order_id END, CASE WHEN t.buys THEN t.order_id ELSE t.taker_id END,
            t.side, t.price_won, t.quantity, CASE WHEN t.buys THEN t.fee_won ELSE t.their_fee_won END,
            CASE WHEN t.buys THEN t.their_fee_won ELSE t.fee_won END, t.tax_won + t.their_tax_won, p_date, t.settles_on, p_at
        FROM trade AS t
    ),
    booked AS (
        INSERT INTO journal_entries (journal_id, leg, business_date, account_id, asset, amount, kind)
        SELECT t.event_id, 1, p_date, t.account_id, 'KRW', t.way * t.value_won - t.fee_won - t.tax_won, 'trade' FROM trade AS t
        WHERE t.way * t.value_won <> t.fee_won + t.tax_won
        UNION ALL
        SELECT t.event_id, 2, p_date, t.maker_id, 'KRW', -t.way * t.value_won - t.their_fee_won - t.their_tax_won, 'trade' FROM trade AS t
        WHERE -t.way * t.value_won <> t.their_fee_won + t.their_tax_won
        UNION ALL
        SELECT t.event_id, 3, p_date, t.account_id, t.symbol, -t.way * t.quantity, 'trade' FROM trade AS t
        UNION ALL
        SELECT t.event_id, 4, p_date, t.maker_id, t.symbol, t.way * t.quantity, 'trade' FROM trade AS t
        UNION ALL
        SELECT t.event_id, 5, p_date, 2, 'KRW', t.fee_won + t.their_fee_won, 'fee' FROM trade AS t WHERE t.fee_won + t.their_fee_won > 0
        UNION ALL
        SELECT t.event_id, 6, p_date, 3, 'KRW', t.tax_won + t.their_tax_won, 'tax' FROM trade AS t WHERE t.tax_won + t.their_tax_won > 0
    ),
    paid AS (
        UPDATE accounts AS a SET cash_won = a.cash_won + d.cash_won, reserved_won = a.reserved_won + d.reserved_won
        FROM (
            SELECT m.account_id, sum(m.cash_won)::bigint AS cash_won, sum(m.reserved_won)::bigint AS reserved_won
            FROM (
                SELECT t.account_id, t.way * t.value_won - t.fee_won - t.tax_won AS cash_won, 0 AS reserved_won FROM trade AS t
                UNION ALL
                SELECT t.maker_id, -t.way * t.value_won - t.their_fee_won - t.their_tax_won, -t.released_won FROM trade AS t WHERE t.order_id IS NOT NULL
                UNION ALL
                SELECT l.account_id, 0, l.reserved_won FROM line AS l WHERE l.reserved_won > 0
            ) AS m
            GROUP BY m.account_id
        ) AS d
        WHERE a.account_id = d.account_id
    ),
    held AS (
        INSERT INTO positions AS p (account_id, symbol, quantity, reserved_quantity, cost_won)
        SELECT h_account[n], h_symbol[n], h_quantity[n], h_reserved[n], h_cost[n] FROM generate_series(1, v_held) AS n WHERE h_changed[n]
        ON CONFLICT (account_id, symbol) DO UPDATE
        SET quantity = excluded.quantity, reserved_quantity = excluded.reserved_quantity, cost_won = excluded.cost_won
    ),
    moved AS (
        UPDATE stock_inventory AS i SET available_shares = n.available_shares, last_won = n.last_won
        FROM unnest(i_symbol, i_available, i_last) AS n (symbol, available_shares, last_won)
        WHERE i.symbol = n.symbol AND (i.available_shares, i.last_won) <> (n.available_shares, n.last_won)
    )
    INSERT INTO audit_log (audit_id, business_date, user_id, action, entity, entity_id, detail)
    SELECT
        l.order_id, p_date, l.user_id, 'place', 'order', l.order_id,
        concat_ws(' ', l.side, l.kind, l.symbol, l.quantity, 'at', coalesce(l.limit_won::text, 'market'), l.status,
            CASE WHEN l.status = 'rejected' THEN l.reason ELSE concat_ws(' ', 'filled', l.filled, 'for', l.value_won) END)
    FROM line AS l;
    RETURN v_answers;
END
$body$;
COMMENT ON FUNCTION place_together(batch_line[], bigint[], date, timestamptz) IS 'Places the orders of a batch whose issues and buyers leave no order waiting for the cash of another; NULL for those it leaves to place_order';

CREATE OR REPLACE FUNCTION place_orders(p_orders jsonb, p_business_date date DEFAULT NULL, p_at timestamptz DEFAULT NULL)
RETURNS TABLE (
    position_no bigint, status varchar(16), reason varchar(24), order_id bigint, filled_quantity bigint,
    filled_value_won bigint, fee_won bigint, tax_won bigint, replayed boolean
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off AS $body$
#variable_conflict use_column
DECLARE
    v_at timestamptz := coalesce(p_at, clock_timestamp());
    v_date date := coalesce(p_business_date, (v_at AT TIME ZONE 'Asia/Seoul')::date);
    v_symbols text[];
    v_accounts bigint[];
    v_resting bigint[];  -- orders that rest and may be met: of each side of an issue the best first
    v_lines batch_line[];
    v_line batch_line;
    v_answers order_answer[];
BEGIN
    IF current_setting('transaction_isolation') = 'repeatable read' THEN
        PERFORM refuse_old_reads('place_orders');
    END IF;
    IF jsonb_typeof(p_orders) <> 'array' OR jsonb_array_length(p_orders) > 1000 THEN
        RAISE EXCEPTION 'place_orders takes an array of 1000 orders at most' USING ERRCODE = 'P0001';
    END IF;
    SELECT array_agg(DISTINCT symbol) INTO v_symbols FROM jsonb_to_recordset(p_orders) AS j (symbol text);
    PERFORM 1 FROM stock_inventory AS i WHERE i.symbol = ANY (v_symbols) ORDER BY i.symbol FOR NO KEY UPDATE;
    -- Found first and locked by number then: a row that changed while its lock was waited for is looked at again, with all
    -- that the statement says of it.
    WITH asked AS MATERIALIZED (
        SELECT b.*, i.quote_date < v_date OR i.auction_id IS NOT NULL AS moves
        FROM (
            SELECT
                symbol, side, CASE side WHEN 'buy' THEN 'sell' WHEN 'sell' THEN 'buy' END AS meets,
                CASE side WHEN 'sell' THEN min(coalesce(limit_won, 0)) ELSE 0 END AS from_won,
                CASE side WHEN 'buy' THEN max(coalesce(limit_won, 9223372036854775807)) ELSE 9223372036854775807 END AS to_won,
                sum(greatest(quantity, 0)) AS quantity, 2 * count(*) + 2 AS best
            FROM jsonb_to_recordset(p_orders) AS j (symbol text, side text, limit_won bigint, quantity bigint)
            GROUP BY symbol, side
        ) AS b
        JOIN stock_inventory AS i ON i.symbol = b.symbol
    ),
    met AS MATERIALIZED (
        SELECT b.symbol, m.order_id, m.account_id, m.n
        FROM asked AS b
        CROSS JOIN LATERAL (
            -- A book is deeper than its orders are met: of each side the best are read, and all only where these hold too little.
            WITH best AS MATERIALIZED (
                (SELECT o.order_id, o.account_id, o.resting_won AS rank, o.quantity - o.filled_quantity AS quantity
                FROM orders AS o WHERE b.meets = 'sell' AND o.symbol = b.symbol AND o.side = 'sell' AND o.resting_won <= b.to_won
                ORDER BY o.resting_won, o.order_id LIMIT b.best)
                UNION ALL
                (SELECT o.order_id, o.account_id, -o.resting_won, o.quantity - o.filled_quantity
                FROM orders AS o WHERE b.meets = 'buy' AND o.symbol = b.symbol AND o.side = 'buy' AND o.resting_won >= b.from_won
                ORDER BY o.resting_won DESC, o.order_id LIMIT b.best)
            ),
            enough AS MATERIALIZED (
                SELECT count(*) < b.best OR sum(e.quantity) >= b.quantity AS are_best FROM best AS e
            )
            SELECT
                e.order_id, e.account_id, row_number() OVER best_first AS n,
                sum(e.quantity) OVER (best_first ROWS UNBOUNDED PRECEDING) - e.quantity AS before
            FROM (
                SELECT * FROM best WHERE (SELECT are_best FROM enough)
                UNION ALL
                SELECT o.order_id, o.account_id, CASE o.side WHEN 'buy' THEN -o.resting_won ELSE o.resting_won END, o.quantity - o.filled_quantity
                FROM orders AS o
                WHERE NOT (SELECT are_best FROM enough)
                    AND o.symbol = b.symbol AND o.side = b.meets AND o.resting_won BETWEEN b.from_won AND b.to_won
            ) AS e
            WINDOW best_first AS (ORDER BY e.rank, e.order_id)
        ) AS m
        WHERE NOT b.moves AND m.before < b.quantity
        UNION ALL
        SELECT
            o.symbol, o.order_id, o.account_id,
            row_number() OVER (ORDER BY CASE o.side WHEN 'buy' THEN -o.resting_won ELSE o.resting_won END, o.order_id)
        FROM (SELECT DISTINCT b.symbol FROM asked AS b WHERE b.moves) AS b
        CROSS JOIN LATERAL (SELECT rest.* FROM orders AS rest WHERE rest.symbol = b.symbol AND rest.resting_won IS NOT NULL OFFSET 0) AS o
    )
    SELECT
        ARRAY(SELECT j.account_id FROM jsonb_to_recordset(p_orders) AS j (account_id bigint) UNION SELECT m.account_id FROM met AS m),
        ARRAY(SELECT m.order_id FROM met AS m ORDER BY m.symbol, m.n)
    INTO v_accounts, v_resting;
    PERFORM 1 FROM accounts AS a WHERE a.account_id = ANY (v_accounts) ORDER BY a.account_id FOR NO KEY UPDATE;
    PERFORM open_day(i.symbol, v_date, v_at)
    FROM stock_inventory AS i
    JOIN stocks AS s ON s.symbol = i.symbol
    WHERE i.symbol = ANY (v_symbols) AND i.quote_date < v_date AND session_open(s.market, v_date, v_at);

    v_lines := judge_orders(p_orders, v_date, v_at);
    v_answers := place_together(v_lines, v_resting, v_date, v_at);
    FOREACH v_line IN ARRAY coalesce(v_lines, '{}') LOOP
        IF (v_answers[v_line.position_no]).status IS NULL THEN
            v_answers[v_line.position_no] := place_order(v_line.key, v_line.account_id, v_line.symbol, v_line.side, v_line.kind,
                v_line.limit_won, v_line.quantity, v_date, v_at, v_line.portfolio_id, v_line.condition_id, v_line.prediction_id);
        END IF;
    END LOOP;
    RETURN QUERY
    SELECT a.n, a.status, a.reason, a.order_id, a.filled_quantity, a.filled_value_won, a.fee_won, a.tax_won, a.replayed
    FROM unnest(v_answers) WITH ORDINALITY AS a (status, reason, order_id, filled_quantity, filled_value_won, fee_won, tax_won, replayed, n)
    ORDER BY a.n;
END
$body$;
COMMENT ON FUNCTION place_orders(jsonb, date, timestamptz) IS 'Places up to 1,000 orders in one transaction, one answer for each, as if they came in the order of the array';
