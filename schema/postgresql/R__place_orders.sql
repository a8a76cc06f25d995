-- requires: R__place_order.sql
-- Many orders in one transaction: same rules, same books, one answer for each order.
--
-- All symbols are locked first, in order, then every account that any of the orders can touch, in order. Nobody else trades
-- these symbols meanwhile: keep to 1,000 orders.
--
-- An order is plain where nothing another order of the batch does can change its outcome: its symbol meets no resting
-- order, neither in the book nor in the batch; the house holds enough for all; its account can pay for all it asks; and it is
-- the account's only sale of the symbol. A symbol is taken set-wise when all its orders are plain: each table is then
-- written once. The other symbols go through place_order one by one, in the order of the array.

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
        SELECT l.market, session_open(l.market, p_date, p_at) AS is_open FROM price_limits AS l GROUP BY l.market
    ),
    book AS MATERIALIZED (
        SELECT
            i.symbol, k.market, k.status, k.listed_shares, i.available_shares, i.last_won, i.quote_date, i.lower_won, i.upper_won,
            i.settles_on, i.sell_tax_rate, m.is_open,
            (SELECT min(o.resting_won) FROM orders AS o WHERE o.symbol = i.symbol AND o.side = 'sell') AS ask_won,
            (SELECT max(o.resting_won) FROM orders AS o WHERE o.symbol = i.symbol AND o.side = 'buy') AS bid_won
        FROM stock_inventory AS i
        JOIN stocks AS k ON k.symbol = i.symbol
        JOIN market AS m ON m.market = k.market
        WHERE i.symbol IN (SELECT line.symbol FROM line)
    ),
    looked AS (
        SELECT
            line.*, book.last_won, book.settles_on, book.available_shares, book.ask_won, book.bid_won, book.upper_won, book.lower_won,
            a.user_id, a.cash_won - a.reserved_won AS available_won, r.rate,
            CASE WHEN line.side = 'sell' AND NOT a.tax_exempt THEN book.sell_tax_rate ELSE 0 END AS tax_rate,
            p.quantity - p.reserved_quantity AS available_quantity,
            same.order_id IS NOT NULL OR count(*) OVER (PARTITION BY line.account_id, line.key) > 1 AS is_replay,
            line.side = 'buy' AS buys,
            CASE
                WHEN line.quantity IS NULL OR line.quantity < 1 OR line.quantity > book.listed_shares THEN 'bad_quantity'
                WHEN coalesce(length(line.key), 0) NOT BETWEEN 1 AND 64 OR line.side IS NULL OR line.side NOT IN ('buy', 'sell')
                    OR line.kind IS NULL OR line.kind NOT IN ('limit', 'market')
                    OR (line.kind = 'limit') <> (line.limit_won IS NOT NULL) OR line.limit_won < 1 THEN 'bad_request'
                WHEN book.symbol IS NULL THEN 'unknown_symbol'
                WHEN a.account_id IS NULL THEN 'unknown_account'
                WHEN a.status <> 'active' THEN 'account_inactive'
                WHEN book.status = 'delisted' THEN 'delisted'
                WHEN book.status = 'halted' THEN 'halted'
                WHEN NOT book.is_open OR p_date < book.quote_date OR tick.tick_won IS NULL OR r.rate IS NULL THEN 'closed_session'
                WHEN line.limit_won % tick.tick_won <> 0 THEN 'off_tick'
                WHEN line.limit_won < book.lower_won OR line.limit_won > book.upper_won THEN 'outside_price_limit'
            END AS reason
        FROM line
        LEFT JOIN book ON book.symbol = line.symbol
        LEFT JOIN accounts AS a ON a.account_id = line.account_id AND a.kind = 'customer'
        LEFT JOIN orders AS same ON same.account_id = line.account_id AND same.idempotency_key = line.key
        LEFT JOIN positions AS p ON p.account_id = line.account_id AND p.symbol = line.symbol AND line.side = 'sell'
        LEFT JOIN LATERAL (SELECT f.commission_rate AS rate FROM fee_schedules AS f
            WHERE f.broker_id = a.broker_id AND f.valid_from <= p_date ORDER BY f.valid_from DESC LIMIT 1) AS r ON true
        LEFT JOIN LATERAL (SELECT t.tick_won FROM tick_sizes AS t
            WHERE t.market = book.market AND t.valid_from <= p_date AND t.price_from_won <= coalesce(line.limit_won, 1)
            ORDER BY t.valid_from DESC, t.price_from_won DESC LIMIT 1) AS tick ON true
    ),
    priced AS (
        SELECT
            *,
            -- Sums and extremes over the orders that are not refused yet.
            sum(CASE WHEN reason IS NULL AND buys THEN quantity * coalesce(limit_won, upper_won)
                + floor(quantity * coalesce(limit_won, upper_won) * rate) END) OVER (PARTITION BY account_id) AS asked_won,
            sum(CASE WHEN reason IS NULL AND buys THEN quantity END) OVER by_symbol AS bought_shares,
            count(CASE WHEN reason IS NULL THEN 1 END) OVER (PARTITION BY account_id, symbol) AS orders_here,
            max(CASE WHEN reason IS NULL AND buys THEN coalesce(limit_won, upper_won) END) OVER by_symbol AS highest_buy_won,
            min(CASE WHEN reason IS NULL AND NOT buys THEN coalesce(limit_won, lower_won) END) OVER by_symbol AS lowest_sell_won,
            min(CASE WHEN reason IS NULL AND NOT buys AND limit_won > last_won THEN limit_won END) OVER by_symbol AS resting_sell_won,
            max(CASE WHEN reason IS NULL AND buys AND limit_won < last_won THEN limit_won END) OVER by_symbol AS resting_buy_won
        FROM looked
        WINDOW by_symbol AS (PARTITION BY symbol)
    ),
    judged AS (
        SELECT
            *,
            bool_and(
                NOT is_replay
                AND (
                    reason IS NOT NULL
                    OR CASE WHEN buys
                        THEN (ask_won > highest_buy_won) IS NOT FALSE AND (resting_sell_won > highest_buy_won) IS NOT FALSE
                            AND bought_shares <= available_shares AND asked_won <= available_won
                            AND (orders_here = 1 OR (lowest_sell_won IS NULL))
                        ELSE (bid_won < lowest_sell_won) IS NOT FALSE AND (resting_buy_won < lowest_sell_won) IS NOT FALSE
                            AND orders_here = 1 AND coalesce(available_quantity, 0) >= quantity
                            AND coalesce(asked_won, 0) <= available_won
                    END
                )
            ) OVER (PARTITION BY symbol) AS plain,
            reason IS NULL AND (limit_won IS NULL OR CASE WHEN buys THEN last_won <= limit_won ELSE last_won >= limit_won END) AS fills
        FROM priced
    ),
    numbered AS (
        SELECT
            ROW(
                position_no, key, account_id, symbol, side, kind, limit_won, quantity, portfolio_id, condition_id, prediction_id, user_id, settles_on,
                reason, plain OR coalesce(reason IN ('bad_quantity', 'bad_request', 'unknown_symbol', 'unknown_account'), false),
                CASE WHEN plain AND (reason IS NULL OR reason NOT IN ('bad_quantity', 'bad_request', 'unknown_symbol', 'unknown_account'))
                    THEN nextval('event_ids') END,
                CASE WHEN plain AND fills THEN nextval('event_ids') END,
                CASE WHEN fills THEN last_won END,
                CASE WHEN fills THEN last_won * quantity ELSE 0 END,
                CASE WHEN fills THEN floor(last_won * quantity * rate) ELSE 0 END,
                CASE WHEN fills THEN floor(last_won * quantity * tax_rate) ELSE 0 END,
                CASE WHEN reason IS NULL AND buys AND NOT fills THEN limit_won * quantity + floor(limit_won * quantity * rate) ELSE 0 END
            )::batch_line AS line
        FROM (SELECT * FROM judged ORDER BY position_no) AS j
    )
    SELECT array_agg(line) FROM numbered
$body$;
COMMENT ON FUNCTION judge_orders(jsonb, date, timestamptz) IS 'Which orders of a batch are plain, and what becomes of those; for place_orders, which holds the locks';

CREATE OR REPLACE FUNCTION place_orders(p_orders jsonb, p_business_date date DEFAULT NULL, p_at timestamptz DEFAULT NULL)
RETURNS TABLE (
    position_no bigint, status varchar(16), reason varchar(24), order_id bigint, filled_quantity bigint,
    filled_value_won bigint, fee_won bigint, tax_won bigint, replayed boolean
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $body$
#variable_conflict use_column
DECLARE
    v_at timestamptz := coalesce(p_at, clock_timestamp());
    v_date date := coalesce(p_business_date, (v_at AT TIME ZONE 'Asia/Seoul')::date);
    v_symbols text[];
    v_lines batch_line[];
    v_line batch_line;
    v_answers order_answer[];
BEGIN
    IF jsonb_typeof(p_orders) <> 'array' OR jsonb_array_length(p_orders) > 1000 THEN
        RAISE EXCEPTION 'place_orders takes an array of 1000 orders at most' USING ERRCODE = 'P0001';
    END IF;
    SELECT array_agg(DISTINCT symbol) INTO v_symbols FROM jsonb_to_recordset(p_orders) AS j (symbol text);
    PERFORM 1 FROM stock_inventory AS i WHERE i.symbol = ANY (v_symbols) ORDER BY i.symbol FOR NO KEY UPDATE;
    PERFORM 1
    FROM accounts AS a
    WHERE a.account_id IN (
        SELECT j.account_id FROM jsonb_to_recordset(p_orders) AS j (account_id bigint)
        UNION ALL
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
            OR (o.side = 'sell' AND o.resting_won <= b.buys_to_won)
            OR (o.side = 'buy' AND o.resting_won >= b.sells_from_won)
    )
    ORDER BY a.account_id
    FOR NO KEY UPDATE;
    PERFORM open_day(i.symbol, v_date, v_at)
    FROM stock_inventory AS i
    JOIN stocks AS s ON s.symbol = i.symbol
    WHERE i.symbol = ANY (v_symbols) AND i.quote_date < v_date AND session_open(s.market, v_date, v_at);

    v_lines := judge_orders(p_orders, v_date, v_at);
    WITH placed AS (
        INSERT INTO orders (order_id, account_id, idempotency_key, symbol, side, kind, limit_won, quantity, filled_quantity, reserved_won,
            status, reason, portfolio_id, condition_id, prediction_id, business_date, placed_at, closed_event_id)
        SELECT
            l.order_id, l.account_id, l.key, l.symbol, l.side, l.kind, l.limit_won, l.quantity,
            CASE WHEN l.trade_id IS NULL THEN 0 ELSE l.quantity END, l.reserve_won,
            CASE WHEN l.reason IS NOT NULL THEN 'rejected' WHEN l.trade_id IS NULL THEN 'open' ELSE 'filled' END, l.reason,
            l.portfolio_id, l.condition_id, l.prediction_id, v_date, v_at,
            CASE WHEN l.reason IS NOT NULL THEN l.order_id ELSE l.trade_id END
        FROM unnest(v_lines) AS l WHERE l.order_id IS NOT NULL
    ),
    traded AS (
        INSERT INTO trades (trade_id, symbol, buy_order_id, sell_order_id, taker_side, price_won, quantity,
            buy_fee_won, sell_fee_won, sell_tax_won, business_date, settles_on, traded_at)
        SELECT
            l.trade_id, l.symbol, CASE WHEN l.side = 'buy' THEN l.order_id END, CASE WHEN l.side = 'sell' THEN l.order_id END, l.side,
            l.price_won, l.quantity, CASE WHEN l.side = 'buy' THEN l.fee_won ELSE 0 END, CASE WHEN l.side = 'sell' THEN l.fee_won ELSE 0 END,
            l.tax_won, v_date, l.settles_on, v_at
        FROM unnest(v_lines) AS l WHERE l.trade_id IS NOT NULL
    ),
    booked AS (
        INSERT INTO journal_entries (journal_id, leg, business_date, account_id, asset, amount, kind)
        SELECT l.trade_id, e.leg, v_date, e.account_id, e.asset, e.amount, e.kind
        FROM unnest(v_lines) AS l
        CROSS JOIN LATERAL (SELECT CASE WHEN l.side = 'buy' THEN 1 ELSE -1 END AS sign) AS s
        CROSS JOIN LATERAL (
            VALUES
            (1::smallint, l.account_id, 'KRW', -s.sign * l.value_won - l.fee_won - l.tax_won, 'trade'),
            (2::smallint, 1, 'KRW', s.sign * l.value_won, 'trade'),
            (3::smallint, l.account_id, l.symbol, s.sign * l.quantity, 'trade'),
            (4::smallint, 1, l.symbol, -s.sign * l.quantity, 'trade'),
            (5::smallint, 2, 'KRW', l.fee_won, 'fee'),
            (6::smallint, 3, 'KRW', l.tax_won, 'tax')
        ) AS e (leg, account_id, asset, amount, kind)
        WHERE l.trade_id IS NOT NULL AND e.amount <> 0
    ),
    paid AS (
        UPDATE accounts AS a SET cash_won = a.cash_won + d.cash_won, reserved_won = a.reserved_won + d.reserve_won
        FROM (
            SELECT
                l.account_id, sum(l.reserve_won)::bigint AS reserve_won,
                sum(CASE WHEN l.side = 'buy' THEN -l.value_won ELSE l.value_won END - l.fee_won - l.tax_won)::bigint AS cash_won
            FROM unnest(v_lines) AS l
            WHERE l.order_id IS NOT NULL AND (l.trade_id IS NOT NULL OR l.reserve_won > 0)
            GROUP BY l.account_id
        ) AS d
        WHERE a.account_id = d.account_id
    ),
    bought AS (
        INSERT INTO positions AS p (account_id, symbol, quantity, cost_won)
        SELECT l.account_id, l.symbol, sum(l.quantity), sum(l.value_won)
        FROM unnest(v_lines) AS l
        WHERE l.trade_id IS NOT NULL AND l.side = 'buy'
        GROUP BY l.account_id, l.symbol
        ON CONFLICT (account_id, symbol) DO UPDATE
        SET quantity = p.quantity + excluded.quantity, cost_won = p.cost_won + excluded.cost_won
    ),
    sold AS (
        UPDATE positions AS p SET
            cost_won = p.cost_won - CASE WHEN l.trade_id IS NULL THEN 0 ELSE floor(p.cost_won::numeric * l.quantity / p.quantity)::bigint END,
            quantity = p.quantity - CASE WHEN l.trade_id IS NULL THEN 0 ELSE l.quantity END,
            reserved_quantity = p.reserved_quantity + CASE WHEN l.trade_id IS NULL THEN l.quantity ELSE 0 END
        FROM unnest(v_lines) AS l
        WHERE l.order_id IS NOT NULL AND l.reason IS NULL AND l.side = 'sell' AND p.account_id = l.account_id AND p.symbol = l.symbol
    ),
    moved AS (
        UPDATE stock_inventory AS i SET available_shares = i.available_shares + d.quantity
        FROM (
            SELECT l.symbol, sum(CASE WHEN l.side = 'buy' THEN -l.quantity ELSE l.quantity END)::bigint AS quantity
            FROM unnest(v_lines) AS l WHERE l.trade_id IS NOT NULL GROUP BY l.symbol
        ) AS d
        WHERE i.symbol = d.symbol
    )
    INSERT INTO audit_log (audit_id, business_date, user_id, action, entity, entity_id, detail)
    SELECT
        l.order_id, v_date, l.user_id, 'place', 'order', l.order_id,
        concat_ws(' ', l.side, l.kind, l.symbol, l.quantity, 'at', coalesce(l.limit_won::text, 'market'),
            CASE
                WHEN l.reason IS NOT NULL THEN 'rejected ' || l.reason
                WHEN l.trade_id IS NULL THEN 'open filled 0 for 0'
                ELSE 'filled filled ' || l.quantity || ' for ' || l.value_won
            END)
    FROM unnest(v_lines) AS l WHERE l.order_id IS NOT NULL;

    FOR v_line IN SELECT (l).* FROM unnest(v_lines) AS l WHERE NOT l.plain ORDER BY l.position_no LOOP
        v_answers[v_line.position_no] := place_order(v_line.key, v_line.account_id, v_line.symbol, v_line.side, v_line.kind, v_line.limit_won,
            v_line.quantity, v_date, v_at, v_line.portfolio_id, v_line.condition_id, v_line.prediction_id);
    END LOOP;
    RETURN QUERY
    SELECT
        l.position_no,
        CASE WHEN NOT l.plain THEN a.status WHEN l.reason IS NOT NULL THEN 'rejected' WHEN l.trade_id IS NULL THEN 'open' ELSE 'filled' END::varchar(16),
        CASE WHEN l.plain THEN l.reason ELSE a.reason END::varchar(24),
        CASE WHEN l.plain THEN l.order_id ELSE a.order_id END,
        CASE WHEN NOT l.plain THEN a.filled_quantity WHEN l.trade_id IS NOT NULL THEN l.quantity WHEN l.order_id IS NOT NULL THEN 0 END,
        CASE WHEN NOT l.plain THEN a.filled_value_won WHEN l.order_id IS NOT NULL THEN l.value_won END,
        CASE WHEN NOT l.plain THEN a.fee_won WHEN l.order_id IS NOT NULL THEN l.fee_won END,
        CASE WHEN NOT l.plain THEN a.tax_won WHEN l.order_id IS NOT NULL THEN l.tax_won END,
        CASE WHEN l.plain THEN false ELSE a.replayed END
    FROM unnest(v_lines) AS l
    CROSS JOIN LATERAL (SELECT (v_answers[l.position_no]).*) AS a
    ORDER BY l.position_no;
END
$body$;
COMMENT ON FUNCTION place_orders(jsonb, date, timestamptz) IS 'Places up to 1,000 orders in one transaction, one answer for each, as if they came in the order of the array';
