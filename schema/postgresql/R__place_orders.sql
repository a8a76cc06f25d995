-- requires: R__place_order.sql
-- Many orders in one transaction: same rules, same books, one answer for each order.
--
-- All symbols are locked first, in order, then every account that any of the orders can touch, in order. Nobody else trades
-- these symbols meanwhile: keep to 1,000 orders.
--
-- Orders for different symbols touch each other only through the cash of an account. So the symbols whose buyers can pay for
-- all that they ask in the batch are taken in turns: the first order of each such symbol, then the second of each, and so on;
-- one turn is one statement that writes each table once. What is left, where a turn would be too short to pay, or where cash
-- is tight, goes through place_order one by one in the order of the array. Within a symbol the order is always the array's.

CREATE OR REPLACE FUNCTION judge_orders(p_orders jsonb, p_date date, p_at timestamptz)
RETURNS batch_line[] LANGUAGE sql VOLATILE AS $body$
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
    looked AS (
        SELECT
            line.*, a.user_id, r.rate, a.tax_exempt, i.upper_won, a.cash_won - a.reserved_won AS available_won,
            same.order_id IS NOT NULL OR count(*) OVER (PARTITION BY line.account_id, line.key) > 1 AS is_replay,
            i.auction_id IS NOT NULL OR m.collects AS collects,
            CASE
                WHEN line.quantity IS NULL OR line.quantity < 1 OR (line.quantity > k.listed_shares AND k.status <> 'delisted') THEN 'bad_quantity'
                WHEN coalesce(length(line.key), 0) NOT BETWEEN 1 AND 64 OR line.side IS NULL OR line.side NOT IN ('buy', 'sell')
                    OR line.kind IS NULL OR line.kind NOT IN ('limit', 'market')
                    OR (line.kind = 'limit') <> (line.limit_won IS NOT NULL) OR line.limit_won < 1 THEN 'bad_request'
                WHEN i.symbol IS NULL THEN 'unknown_symbol'
                WHEN a.account_id IS NULL THEN 'unknown_account'
                WHEN a.status <> 'active' THEN 'account_inactive'
                WHEN k.status = 'delisted' THEN 'delisted'
                WHEN k.status = 'halted' THEN 'halted'
                WHEN NOT m.is_open OR p_date < i.quote_date OR tick.tick_won IS NULL OR r.rate IS NULL THEN 'closed_session'
                WHEN line.limit_won % tick.tick_won <> 0 THEN 'off_tick'
                WHEN line.limit_won < i.lower_won OR line.limit_won > i.upper_won THEN 'outside_price_limit'
            END AS reason
        FROM line
        LEFT JOIN stock_inventory AS i ON i.symbol = line.symbol
        LEFT JOIN stocks AS k ON k.symbol = i.symbol
        LEFT JOIN market AS m ON m.market = k.market
        LEFT JOIN accounts AS a ON a.account_id = line.account_id AND a.kind = 'customer'
        LEFT JOIN orders AS same ON same.account_id = line.account_id AND same.idempotency_key = line.key
        LEFT JOIN LATERAL (SELECT f.commission_rate AS rate FROM fee_schedules AS f
            WHERE f.broker_id = a.broker_id AND f.valid_from <= p_date ORDER BY f.valid_from DESC LIMIT 1) AS r ON true
        LEFT JOIN LATERAL (SELECT t.tick_won FROM tick_sizes AS t
            WHERE t.market = k.market AND t.valid_from <= p_date AND t.price_from_won <= coalesce(line.limit_won, 1)
            ORDER BY t.valid_from DESC, t.price_from_won DESC LIMIT 1) AS tick ON true
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
                OVER (PARTITION BY symbol) AS together,
            row_number() OVER (PARTITION BY symbol, recorded ORDER BY position_no) AS turn
        FROM summed
    )
    -- A cast to a row cuts texts to the length of its fields: what is too long would come to be valid.
    SELECT array_agg(
        ROW(position_no, turn, together, CASE WHEN length(key) <= 64 THEN key END, account_id, CASE WHEN length(symbol) <= 6 THEN symbol END,
            CASE WHEN length(side) <= 4 THEN side END, CASE WHEN length(kind) <= 8 THEN kind END, limit_won, quantity,
            portfolio_id, condition_id, prediction_id, user_id, rate, tax_exempt, reason, recorded)::batch_line
        ORDER BY position_no
    )
    FROM judged
$body$;
COMMENT ON FUNCTION judge_orders(jsonb, date, timestamptz) IS 'What can be said of a batch before anything is traded; for place_orders, which holds the locks';

CREATE OR REPLACE FUNCTION place_turn(p_lines batch_line[], p_date date, p_at timestamptz)
RETURNS TABLE (position_no bigint, answer order_answer) LANGUAGE sql VOLATILE AS $body$
    WITH line AS MATERIALIZED (
        SELECT
            l.position_no, l.key, l.account_id, l.symbol, l.side, l.kind, l.limit_won, l.quantity, l.portfolio_id, l.condition_id, l.prediction_id,
            l.user_id, l.rate, l.tax_exempt, l.side = 'buy' AS buys, i.available_shares, i.last_won, i.settles_on, i.sell_tax_rate,
            CASE WHEN l.side = 'buy' THEN 1 ELSE coalesce(l.limit_won, i.lower_won) END AS from_won,
            CASE WHEN l.side = 'buy' THEN coalesce(l.limit_won, i.upper_won) ELSE i.upper_won END AS to_won,
            CASE
                WHEN l.reason IS NULL AND l.side = 'sell' AND coalesce(p.quantity - p.reserved_quantity, 0) < l.quantity THEN 'insufficient_shares'
                ELSE l.reason
            END AS reason
        FROM unnest(p_lines) AS l
        JOIN stock_inventory AS i ON i.symbol = l.symbol
        LEFT JOIN positions AS p ON p.account_id = l.account_id AND p.symbol = l.symbol AND l.side = 'sell'
    ),
    -- From here on no step joins another one: rows that belong together stay in one row set, because the planner cannot know
    -- how many there are and would go through them in nested loops.
    meeting AS (
        SELECT
            line.*, m.n, m.order_id, m.account_id AS maker_id, m.resting_won, m.reserved_won, m.remaining,
            least(m.remaining, line.quantity - m.before) AS met_quantity, c.user_id = line.user_id AS is_own, c.tax_exempt AS their_exempt,
            (SELECT f.commission_rate FROM fee_schedules AS f
                WHERE f.broker_id = c.broker_id AND f.valid_from <= p_date ORDER BY f.valid_from DESC LIMIT 1) AS their_rate,
            count(m.order_id) OVER (PARTITION BY line.position_no, m.account_id) AS times
        FROM line
        LEFT JOIN LATERAL (
            SELECT
                o.order_id, o.account_id, o.resting_won, o.reserved_won, o.quantity - o.filled_quantity AS remaining, row_number() OVER best AS n,
                (sum(o.quantity - o.filled_quantity) OVER best)::bigint - (o.quantity - o.filled_quantity) AS before
            FROM orders AS o
            WHERE
                o.symbol = line.symbol AND o.side = CASE WHEN line.buys THEN 'sell' ELSE 'buy' END
                AND o.resting_won >= line.from_won AND o.resting_won <= line.to_won
            WINDOW best AS (ORDER BY CASE WHEN line.buys THEN o.resting_won ELSE -o.resting_won END, o.order_id)
        ) AS m ON line.reason IS NULL AND m.before < line.quantity
        LEFT JOIN accounts AS c ON c.account_id = m.account_id
    ),
    priced AS (
        SELECT
            *,
            quantity - coalesce((sum(met_quantity) OVER whole)::bigint, 0) AS unmet,
            coalesce(first_value(resting_won) OVER (PARTITION BY position_no ORDER BY n DESC), last_won) AS price_won,
            CASE WHEN reason IS NULL AND bool_or(is_own) OVER whole THEN 'self_match' ELSE reason END AS refusal,
            -- What one account's shares cost is cut off at each sale: two sales of one account take place_order.
            max(times) OVER whole AS most_times
        FROM meeting
        WINDOW whole AS (PARTITION BY position_no)
    ),
    outcome AS MATERIALIZED (
        SELECT
            *,
            CASE
                WHEN refusal IS NOT NULL OR (buys AND price_won > to_won) OR (NOT buys AND price_won < from_won) THEN 0
                WHEN buys THEN least(unmet, available_shares)
                ELSE unmet
            END AS house
        FROM priced
        WHERE most_times < 2
    ),
    event AS (
        SELECT
            e.*, nextval('event_ids') AS event_id, e.fill_won * e.fill_quantity AS value_won,
            CASE WHEN e.buys OR e.tax_exempt THEN 0 ELSE floor(e.fill_won * e.fill_quantity * e.sell_tax_rate)::bigint END AS tax_won,
            CASE WHEN e.buys AND NOT e.their_exempt THEN floor(e.fill_won * e.fill_quantity * e.sell_tax_rate)::bigint ELSE 0 END AS their_tax_won,
            floor(e.fill_won * e.fill_quantity * e.rate)::bigint AS fee_won,
            floor(e.fill_won * e.fill_quantity * e.their_rate)::bigint AS their_fee_won,
            CASE WHEN e.buys OR e.order_id IS NULL THEN 0
                ELSE e.fill_won * e.left_over + floor(e.fill_won * e.left_over * e.their_rate)::bigint END AS their_reserve_won
        FROM (
            -- The order itself, then what it meets, then the house.
            SELECT o.position_no, 0 AS step, o.account_id, o.user_id, o.key, o.symbol, o.side, o.buys, o.kind, o.limit_won, o.quantity, o.portfolio_id,
                o.condition_id, o.prediction_id, o.rate, o.tax_exempt, o.sell_tax_rate, o.settles_on, o.refusal, o.unmet, o.house, o.price_won,
                NULL::bigint AS order_id, 1::bigint AS maker_id, 0::bigint AS reserved_won, 0::bigint AS left_over, 0::bigint AS fill_won,
                0::bigint AS fill_quantity, 0::numeric AS their_rate, true AS their_exempt
            FROM outcome AS o WHERE coalesce(o.n, 1) = 1
            UNION ALL
            SELECT o.position_no, o.n, o.account_id, o.user_id, o.key, o.symbol, o.side, o.buys, o.kind, o.limit_won, o.quantity, o.portfolio_id,
                o.condition_id, o.prediction_id, o.rate, o.tax_exempt, o.sell_tax_rate, o.settles_on, o.refusal, o.unmet, o.house, o.price_won,
                o.order_id, o.maker_id, o.reserved_won, o.remaining - o.met_quantity, o.resting_won,
                o.met_quantity, o.their_rate, o.their_exempt
            FROM outcome AS o WHERE o.n IS NOT NULL AND o.refusal IS NULL
            UNION ALL
            SELECT o.position_no, 1000000, o.account_id, o.user_id, o.key, o.symbol, o.side, o.buys, o.kind, o.limit_won, o.quantity, o.portfolio_id,
                o.condition_id, o.prediction_id, o.rate, o.tax_exempt, o.sell_tax_rate, o.settles_on, o.refusal, o.unmet, o.house, o.price_won,
                NULL, 1, 0, 0, o.price_won,
                o.house, 0, true
            FROM outcome AS o WHERE coalesce(o.n, 1) = 1 AND o.house > 0
            ORDER BY 1, 2
        ) AS e
    ),
    closed AS (
        SELECT
            *,
            min(event_id) OVER whole AS taker_order_id, max(event_id) OVER whole AS last_event_id,
            (sum(fill_quantity) OVER whole)::bigint AS filled, (sum(value_won) OVER whole)::bigint AS all_value_won,
            (sum(fee_won) OVER whole)::bigint AS all_fee_won, (sum(tax_won) OVER whole)::bigint AS all_tax_won,
            CASE WHEN refusal IS NOT NULL THEN 'rejected' WHEN unmet = house THEN 'filled' WHEN limit_won IS NULL THEN 'cancelled' ELSE 'open' END AS status
        FROM event
        WINDOW whole AS (PARTITION BY position_no)
    ),
    step AS MATERIALIZED (
        SELECT
            *,
            CASE WHEN status = 'cancelled' THEN 'no_liquidity' ELSE refusal END AS why,
            CASE WHEN status = 'open' AND buys THEN limit_won * (unmet - house) + floor(limit_won * (unmet - house) * rate)::bigint ELSE 0 END AS reserve_won
        FROM closed
    ),
    met AS MATERIALIZED (SELECT f.order_id, f.event_id, f.fill_quantity, f.their_reserve_won, f.left_over FROM step AS f WHERE f.order_id IS NOT NULL),
    placed AS (
        INSERT INTO orders (order_id, account_id, idempotency_key, symbol, side, kind, limit_won, quantity, filled_quantity, reserved_won,
            status, reason, portfolio_id, condition_id, prediction_id, business_date, placed_at, closed_event_id)
        SELECT
            r.taker_order_id, r.account_id, r.key, r.symbol, r.side, r.kind, r.limit_won, r.quantity, r.filled, r.reserve_won,
            r.status, r.why, r.portfolio_id, r.condition_id, r.prediction_id, p_date, p_at, CASE WHEN r.status <> 'open' THEN r.last_event_id END
        FROM step AS r WHERE r.step = 0
    ),
    resting AS (
        UPDATE orders AS o SET
            filled_quantity = o.filled_quantity + f.fill_quantity,
            reserved_won = f.their_reserve_won,
            status = CASE WHEN f.left_over = 0 THEN 'filled' ELSE 'open' END,
            closed_event_id = CASE WHEN f.left_over = 0 THEN f.event_id END
        FROM met AS f
        -- Said twice: by the array alone the key is looked up, whatever the planner believes of the size of orders.
        WHERE o.order_id = f.order_id AND o.order_id = ANY (ARRAY(SELECT met.order_id FROM met))
    ),
    traded AS (
        INSERT INTO trades (trade_id, symbol, buy_order_id, sell_order_id, taker_side, price_won, quantity,
            buy_fee_won, sell_fee_won, sell_tax_won, business_date, settles_on, traded_at)
        SELECT
            f.event_id, f.symbol, CASE WHEN f.buys THEN f.taker_order_id ELSE f.order_id END, CASE WHEN f.buys THEN f.order_id ELSE f.taker_order_id END,
            f.side, f.fill_won, f.fill_quantity, CASE WHEN f.buys THEN f.fee_won ELSE f.their_fee_won END,
            CASE WHEN f.buys THEN f.their_fee_won ELSE f.fee_won END, f.tax_won + f.their_tax_won, p_date, f.settles_on, p_at
        FROM step AS f WHERE f.step > 0
    ),
    booked AS (
        INSERT INTO journal_entries (journal_id, leg, business_date, account_id, asset, amount, kind)
        SELECT f.event_id, e.leg, p_date, e.account_id, e.asset, e.amount, e.kind
        FROM step AS f
        CROSS JOIN LATERAL (
            VALUES
            (1::smallint, f.account_id, 'KRW', CASE WHEN f.buys THEN -f.value_won ELSE f.value_won END - f.fee_won - f.tax_won, 'trade'),
            (2::smallint, f.maker_id, 'KRW', CASE WHEN f.buys THEN f.value_won ELSE -f.value_won END - f.their_fee_won - f.their_tax_won, 'trade'),
            (3::smallint, f.account_id, f.symbol, CASE WHEN f.buys THEN f.fill_quantity ELSE -f.fill_quantity END, 'trade'),
            (4::smallint, f.maker_id, f.symbol, CASE WHEN f.buys THEN -f.fill_quantity ELSE f.fill_quantity END, 'trade'),
            (5::smallint, 2, 'KRW', f.fee_won + f.their_fee_won, 'fee'),
            (6::smallint, 3, 'KRW', f.tax_won + f.their_tax_won, 'tax')
        ) AS e (leg, account_id, asset, amount, kind)
        WHERE f.step > 0 AND e.amount <> 0
    ),
    paid AS (
        UPDATE accounts AS a SET cash_won = a.cash_won + d.cash_won, reserved_won = a.reserved_won + d.reserved_won
        FROM (
            SELECT m.account_id, sum(m.cash_won)::bigint AS cash_won, sum(m.reserved_won)::bigint AS reserved_won
            FROM (
                SELECT r.account_id, CASE WHEN r.buys THEN -r.all_value_won ELSE r.all_value_won END - r.all_fee_won - r.all_tax_won AS cash_won,
                    r.reserve_won AS reserved_won
                FROM step AS r WHERE r.step = 0 AND (r.filled > 0 OR r.reserve_won > 0)
                UNION ALL
                SELECT f.maker_id, CASE WHEN f.buys THEN f.value_won ELSE -f.value_won END - f.their_fee_won - f.their_tax_won,
                    f.their_reserve_won - f.reserved_won
                FROM step AS f WHERE f.order_id IS NOT NULL
            ) AS m
            GROUP BY m.account_id
        ) AS d
        WHERE a.account_id = d.account_id
    ),
    bought AS (
        INSERT INTO positions AS p (account_id, symbol, quantity, cost_won)
        SELECT r.account_id, r.symbol, r.filled, r.all_value_won FROM step AS r WHERE r.step = 0 AND r.buys AND r.filled > 0
        UNION ALL
        SELECT f.maker_id, f.symbol, f.fill_quantity, f.value_won FROM step AS f WHERE NOT f.buys AND f.order_id IS NOT NULL
        ON CONFLICT (account_id, symbol) DO UPDATE
        SET quantity = p.quantity + excluded.quantity, cost_won = p.cost_won + excluded.cost_won
    ),
    sold AS (
        UPDATE positions AS p SET
            cost_won = p.cost_won - div(p.cost_won::numeric * d.quantity, p.quantity)::bigint,
            quantity = p.quantity - d.quantity,
            reserved_quantity = p.reserved_quantity + d.reserved_quantity
        FROM (
            SELECT r.account_id, r.symbol, r.filled AS quantity, CASE WHEN r.status = 'open' THEN r.quantity - r.filled ELSE 0 END AS reserved_quantity
            FROM step AS r WHERE r.step = 0 AND NOT r.buys AND r.status <> 'rejected'
            UNION ALL
            SELECT f.maker_id, f.symbol, f.fill_quantity, -f.fill_quantity FROM step AS f WHERE f.buys AND f.order_id IS NOT NULL
        ) AS d
        WHERE p.account_id = d.account_id AND p.symbol = d.symbol
    ),
    moved AS (
        UPDATE stock_inventory AS i SET
            available_shares = i.available_shares + CASE WHEN r.buys THEN -r.house ELSE r.house END,
            last_won = r.price_won
        FROM step AS r
        WHERE r.step = 0 AND i.symbol = r.symbol AND r.filled > 0
    ),
    logged AS (
        INSERT INTO audit_log (audit_id, business_date, user_id, action, entity, entity_id, detail)
        SELECT
            r.taker_order_id, p_date, r.user_id, 'place', 'order', r.taker_order_id,
            concat_ws(' ', r.side, r.kind, r.symbol, r.quantity, 'at', coalesce(r.limit_won::text, 'market'), r.status,
                CASE WHEN r.status = 'rejected' THEN r.why ELSE concat_ws(' ', 'filled', r.filled, 'for', r.all_value_won) END)
        FROM step AS r WHERE r.step = 0
    )
    SELECT r.position_no, ROW(r.status, r.why, r.taker_order_id, r.filled, r.all_value_won, r.all_fee_won, r.all_tax_won, false)::order_answer
    FROM step AS r WHERE r.step = 0
$body$;
COMMENT ON FUNCTION place_turn(batch_line[], date, timestamptz) IS 'Places orders that are each for another symbol, all together; leaves out, for place_order, those that meet two resting orders of one account';

CREATE OR REPLACE FUNCTION place_orders(p_orders jsonb, p_business_date date DEFAULT NULL, p_at timestamptz DEFAULT NULL)
RETURNS TABLE (
    position_no bigint, status varchar(16), reason varchar(24), order_id bigint, filled_quantity bigint,
    filled_value_won bigint, fee_won bigint, tax_won bigint, replayed boolean
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $body$
#variable_conflict use_column
DECLARE
    c_shortest_turn CONSTANT integer := 8;
    v_at timestamptz := coalesce(p_at, clock_timestamp());
    v_date date := coalesce(p_business_date, (v_at AT TIME ZONE 'Asia/Seoul')::date);
    v_symbols text[];
    v_accounts bigint[];
    v_lines batch_line[];
    v_turn batch_line[];
    v_turn_no bigint := 0;
    v_line batch_line;
    v_placed record;
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
    SELECT array_agg(t.account_id) INTO v_accounts
    FROM (
        SELECT j.account_id FROM jsonb_to_recordset(p_orders) AS j (account_id bigint)
        UNION
        SELECT o.account_id
        FROM (
            SELECT
                symbol,
                max(CASE WHEN side = 'buy' THEN coalesce(limit_won, 9223372036854775807) END) AS buys_to_won,
                min(CASE WHEN side = 'sell' THEN coalesce(limit_won, 0) END) AS sells_from_won
            FROM jsonb_to_recordset(p_orders) AS j (symbol text, side text, limit_won bigint)
            GROUP BY symbol
        ) AS b
        JOIN stock_inventory AS i ON i.symbol = b.symbol
        JOIN orders AS o ON o.symbol = b.symbol AND o.resting_won IS NOT NULL
        WHERE
            i.quote_date < v_date
            OR i.auction_id IS NOT NULL
            OR (o.side = 'sell' AND o.resting_won <= b.buys_to_won)
            OR (o.side = 'buy' AND o.resting_won >= b.sells_from_won)
    ) AS t;
    PERFORM 1 FROM accounts AS a WHERE a.account_id = ANY (v_accounts) ORDER BY a.account_id FOR NO KEY UPDATE;
    PERFORM open_day(i.symbol, v_date, v_at)
    FROM stock_inventory AS i
    JOIN stocks AS s ON s.symbol = i.symbol
    WHERE i.symbol = ANY (v_symbols) AND i.quote_date < v_date AND session_open(s.market, v_date, v_at);

    v_lines := judge_orders(p_orders, v_date, v_at);
    LOOP
        v_turn_no := v_turn_no + 1;
        SELECT array_agg(l.* ORDER BY l.position_no) INTO v_turn
        FROM unnest(v_lines) AS l WHERE l.together AND l.recorded AND l.turn = v_turn_no;
        EXIT WHEN coalesce(cardinality(v_turn), 0) < c_shortest_turn;
        FOR v_placed IN SELECT t.position_no, t.answer FROM place_turn(v_turn, v_date, v_at) AS t LOOP
            v_answers[v_placed.position_no] := v_placed.answer;
        END LOOP;
        FOREACH v_line IN ARRAY v_turn LOOP
            IF (v_answers[v_line.position_no]).status IS NULL THEN
                v_answers[v_line.position_no] := place_order(v_line.key, v_line.account_id, v_line.symbol, v_line.side, v_line.kind,
                    v_line.limit_won, v_line.quantity, v_date, v_at, v_line.portfolio_id, v_line.condition_id, v_line.prediction_id);
            END IF;
        END LOOP;
    END LOOP;
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
