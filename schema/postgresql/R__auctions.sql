-- requires: R__market.sql
-- Call auctions: orders rest until the auction is uncrossed, at the one price at which most can be traded.
--
-- An issue in an auction says so in the row that every order locks first, so an order of continuous trading learns that there
-- is none without a statement of its own. Whoever comes first after the end uncrosses: an order, the day's end, or `uncross`.
-- The house stays out: it names no price, so it has no place among orders that make one.
--
-- The single price: the most shares; of several, the least left over; of several, the nearest to the last price; of two that
-- are as near, the higher. Shares go to the better price first, then to the earlier order.

CREATE OR REPLACE FUNCTION auction_session(
    p_market text, p_date date, p_at timestamptz, OUT kind text, OUT started_at timestamptz, OUT ends_at timestamptz
)
LANGUAGE sql STABLE PARALLEL SAFE AS $body$
    SELECT a.kind, (p_date + a.opens_at) AT TIME ZONE 'Asia/Seoul', (p_date + a.closes_at) AT TIME ZONE 'Asia/Seoul'
    FROM (
        SELECT
            s.opens_at,
            CASE WHEN s.closes_at <= h.opens_at THEN 'opening' ELSE 'closing' END AS kind,
            -- On a day that opens late its auction lasts until then.
            CASE WHEN s.closes_at <= h.opens_at THEN h.opens_at ELSE s.closes_at END AS closes_at
        FROM market_sessions AS s
        CROSS JOIN continuous_hours(p_market, p_date) AS h
        WHERE
            s.market = p_market
            AND s.matching = 'auction'
            AND h.opens_at IS NOT NULL
            AND s.valid_from = (
                SELECT max(n.valid_from)
                FROM market_sessions AS n
                WHERE
                    n.market = s.market AND n.session = s.session AND n.valid_from <= p_date
                    AND (n.valid_to IS NULL OR n.valid_to >= p_date)
            )
    ) AS a
    WHERE
        is_business_day(p_market, p_date)
        AND (p_at AT TIME ZONE 'Asia/Seoul')::date = p_date
        AND (p_at AT TIME ZONE 'Asia/Seoul')::time >= a.opens_at
        AND (p_at AT TIME ZONE 'Asia/Seoul')::time < a.closes_at
    LIMIT 1
$body$;
COMMENT ON FUNCTION auction_session(text, date, timestamptz) IS 'The call auction that the calendar has at the instant; NULL for none';

CREATE OR REPLACE FUNCTION expire_orders(p_symbol text, p_date date)
RETURNS void LANGUAGE plpgsql AS $body$
DECLARE
    v_order record;
    v_event bigint;
BEGIN
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
END
$body$;
COMMENT ON FUNCTION expire_orders(text, date) IS 'Ends the orders of an issue that rest; needs the symbol and their owners locked';

CREATE OR REPLACE FUNCTION single_price(p_symbol text, OUT price_won bigint, OUT volume bigint)
LANGUAGE sql STABLE AS $body$
    WITH day AS (
        SELECT k.market, i.quote_date, i.last_won FROM stock_inventory AS i JOIN stocks AS k ON k.symbol = i.symbol WHERE i.symbol = p_symbol
    ),
    book AS (
        SELECT o.side, o.resting_won AS limit_won, sum(o.quantity - o.filled_quantity) AS shares
        FROM orders AS o
        WHERE o.symbol = p_symbol AND o.resting_won IS NOT NULL
        GROUP BY o.side, o.resting_won
    ),
    crossing AS (
        SELECT min(b.limit_won) FILTER (WHERE b.side = 'sell') AS from_won, max(b.limit_won) FILTER (WHERE b.side = 'buy') AS to_won FROM book AS b
    ),
    -- Between two limits nothing changes: each price there is as good as the one that is nearest to the last price, which is
    -- beside one of the limits, or is the last price itself.
    candidate AS (
        SELECT DISTINCT p.price_won
        FROM day AS d
        CROSS JOIN crossing AS x
        CROSS JOIN LATERAL (
            SELECT l.limit_won FROM book AS l WHERE l.limit_won BETWEEN x.from_won AND x.to_won
            UNION ALL
            SELECT d.last_won - d.last_won % tick_won(d.market, d.quote_date, d.last_won)
        ) AS l (limit_won)
        CROSS JOIN LATERAL (
            VALUES (l.limit_won), (l.limit_won + tick_won(d.market, d.quote_date, l.limit_won)),
            (l.limit_won - tick_won(d.market, d.quote_date, l.limit_won - 1))
        ) AS p (price_won)
        WHERE p.price_won BETWEEN x.from_won AND x.to_won
    ),
    traded AS (
        SELECT
            c.price_won,
            coalesce(sum(b.shares) FILTER (WHERE b.side = 'buy' AND b.limit_won >= c.price_won), 0) AS asked,
            coalesce(sum(b.shares) FILTER (WHERE b.side = 'sell' AND b.limit_won <= c.price_won), 0) AS offered
        FROM candidate AS c CROSS JOIN book AS b
        GROUP BY c.price_won
    )
    SELECT t.price_won, least(t.asked, t.offered)::bigint
    FROM traded AS t CROSS JOIN day AS d
    WHERE least(t.asked, t.offered) > 0
    ORDER BY least(t.asked, t.offered) DESC, abs(t.asked - t.offered), abs(t.price_won - d.last_won), t.price_won DESC
    LIMIT 1
$body$;
COMMENT ON FUNCTION single_price(text) IS 'The price at which most shares of an issue can be traded, and how many; NULL where its book is not crossed';

CREATE OR REPLACE FUNCTION uncross_issue(p_symbol text)
RETURNS void LANGUAGE plpgsql AS $body$
DECLARE
    u record;  -- the auction, and the day of the issue
    x record;  -- the single price
    t record;  -- a buyer and a seller
    v_end bigint;
    v_event bigint;
    v_value bigint;
    v_buy_fee bigint;
    v_sell_fee bigint;
    v_tax bigint;
    v_released bigint;
    v_reserve bigint;
    v_buys boolean;
BEGIN
    SELECT a.auction_id, a.kind, a.ends_at, i.quote_date, i.last_won, i.settles_on, i.sell_tax_rate, k.status = 'listed' AS is_listed
    INTO u
    FROM stock_inventory AS i
    JOIN auctions AS a ON a.auction_id = i.auction_id
    JOIN stocks AS k ON k.symbol = i.symbol
    WHERE i.symbol = p_symbol;
    v_end := nextval('event_ids');
    SELECT p.price_won, p.volume INTO x FROM single_price(p_symbol) AS p;
    IF NOT u.is_listed THEN
        x.price_won := NULL;
        x.volume := NULL;
    END IF;
    FOR t IN
        WITH taking AS (
            SELECT
                o.side, o.order_id, o.account_id, o.resting_won, o.quantity - o.filled_quantity AS remaining, c.tax_exempt,
                (SELECT f.commission_rate FROM fee_schedules AS f
                    WHERE f.broker_id = c.broker_id AND f.valid_from <= u.quote_date ORDER BY f.valid_from DESC LIMIT 1) AS rate,
                (sum(o.quantity - o.filled_quantity)
                    OVER (PARTITION BY o.side ORDER BY CASE o.side WHEN 'buy' THEN -o.resting_won ELSE o.resting_won END, o.order_id))::bigint AS upto
            FROM orders AS o
            JOIN accounts AS c ON c.account_id = o.account_id
            WHERE
                o.symbol = p_symbol
                AND o.resting_won IS NOT NULL
                AND CASE o.side WHEN 'buy' THEN o.resting_won >= x.price_won ELSE o.resting_won <= x.price_won END
        )
        SELECT
            b.order_id AS buy_order_id, b.account_id AS buyer_id, b.resting_won, b.rate AS buy_rate, b.upto - least(b.upto, s.upto) AS left_to_buy,
            s.order_id AS sell_order_id, s.account_id AS seller_id, s.rate AS sell_rate, s.tax_exempt, s.upto - least(b.upto, s.upto) AS left_to_sell,
            least(b.upto, s.upto) - greatest(b.upto - b.remaining, s.upto - s.remaining) AS shares
        FROM taking AS b
        JOIN taking AS s ON s.side = 'sell' AND s.upto - s.remaining < b.upto AND b.upto - b.remaining < s.upto
        WHERE b.side = 'buy'
        ORDER BY least(b.upto, s.upto)
    LOOP
        v_event := nextval('event_ids');
        v_buys := t.buy_order_id > t.sell_order_id;
        v_value := x.price_won * t.shares;
        v_buy_fee := floor(v_value * t.buy_rate);
        v_sell_fee := floor(v_value * t.sell_rate);
        v_tax := CASE WHEN t.tax_exempt THEN 0 ELSE floor(v_value * u.sell_tax_rate) END;
        v_reserve := t.resting_won * t.left_to_buy + floor(t.resting_won * t.left_to_buy * t.buy_rate);
        SELECT o.reserved_won INTO v_released FROM orders AS o WHERE o.order_id = t.buy_order_id;
        UPDATE orders AS o SET
            filled_quantity = o.filled_quantity + t.shares,
            reserved_won = CASE o.side WHEN 'buy' THEN v_reserve ELSE 0 END,
            status = CASE WHEN o.filled_quantity + t.shares = o.quantity THEN 'filled' ELSE 'open' END,
            closed_event_id = CASE WHEN o.filled_quantity + t.shares = o.quantity THEN v_event END
        WHERE o.order_id IN (t.buy_order_id, t.sell_order_id);
        INSERT INTO trades (trade_id, symbol, buy_order_id, sell_order_id, taker_side, price_won, quantity,
            buy_fee_won, sell_fee_won, sell_tax_won, business_date, settles_on, traded_at, auction_id)
        VALUES (v_event, p_symbol, t.buy_order_id, t.sell_order_id, CASE WHEN v_buys THEN 'buy' ELSE 'sell' END, x.price_won, t.shares,
            v_buy_fee, v_sell_fee, v_tax, u.quote_date, u.settles_on, u.ends_at, u.auction_id);
        INSERT INTO journal_entries (journal_id, leg, business_date, account_id, asset, amount, kind)
        SELECT v_event, e.leg, u.quote_date, e.account_id, e.asset, e.amount, e.kind
        FROM (
            VALUES
            (CASE WHEN v_buys THEN 1::smallint ELSE 2::smallint END, t.buyer_id, 'KRW', -v_value - v_buy_fee, 'trade'),
            (CASE WHEN v_buys THEN 2::smallint ELSE 1::smallint END, t.seller_id, 'KRW', v_value - v_sell_fee - v_tax, 'trade'),
            (CASE WHEN v_buys THEN 3::smallint ELSE 4::smallint END, t.buyer_id, p_symbol, t.shares, 'trade'),
            (CASE WHEN v_buys THEN 4::smallint ELSE 3::smallint END, t.seller_id, p_symbol, -t.shares, 'trade'),
            (5::smallint, 2, 'KRW', v_buy_fee + v_sell_fee, 'fee'),
            (6::smallint, 3, 'KRW', v_tax, 'tax')
        ) AS e (leg, account_id, asset, amount, kind)
        WHERE e.amount <> 0;
        UPDATE accounts AS c SET cash_won = c.cash_won - v_value - v_buy_fee, reserved_won = c.reserved_won - v_released + v_reserve
        WHERE c.account_id = t.buyer_id;
        UPDATE accounts AS c SET cash_won = c.cash_won + v_value - v_sell_fee - v_tax WHERE c.account_id = t.seller_id;
        INSERT INTO positions AS p (account_id, symbol, quantity, cost_won) VALUES (t.buyer_id, p_symbol, t.shares, v_value)
        ON CONFLICT (account_id, symbol) DO UPDATE
        SET quantity = p.quantity + excluded.quantity, cost_won = p.cost_won + excluded.cost_won;
        UPDATE positions AS p SET
            cost_won = p.cost_won - div(p.cost_won::numeric * t.shares, p.quantity)::bigint,
            quantity = p.quantity - t.shares,
            reserved_quantity = p.reserved_quantity - t.shares
        WHERE p.account_id = t.seller_id AND p.symbol = p_symbol;
    END LOOP;
    UPDATE auctions SET
        status = CASE WHEN u.is_listed THEN 'uncrossed' ELSE 'void' END,
        reference_won = u.last_won, price_won = x.price_won, volume = coalesce(x.volume, 0), uncrossed_event_id = v_end
    WHERE auction_id = u.auction_id;
    UPDATE stock_inventory SET auction_id = NULL, last_won = coalesce(x.price_won, last_won) WHERE symbol = p_symbol;
    INSERT INTO audit_log (audit_id, business_date, user_id, action, entity, entity_id, detail)
    VALUES (v_end, u.quote_date, NULL, 'uncross', 'auction', u.auction_id,
        concat_ws(' ', u.kind, p_symbol, coalesce(x.volume, 0), 'at', coalesce(x.price_won::text, 'no price')));
    IF u.kind = 'closing' OR NOT u.is_listed THEN
        PERFORM expire_orders(p_symbol, u.quote_date);
    END IF;
END
$body$;
COMMENT ON FUNCTION uncross_issue(text) IS 'Ends the call auction of an issue: trades at the single price, and after a closing auction the rest expires. Needs the symbol and the owners of its resting orders locked';

CREATE OR REPLACE FUNCTION advance_issue(p_symbol text, p_account_id bigint, p_date date, p_at timestamptz)
RETURNS text LANGUAGE plpgsql AS $body$
DECLARE
    s record;
    x record;
    v_opens boolean;
    v_auction bigint;
BEGIN
    SELECT k.market, k.status, i.quote_date, i.auction_id, a.ends_at INTO s
    FROM stock_inventory AS i
    JOIN stocks AS k ON k.symbol = i.symbol
    LEFT JOIN auctions AS a ON a.auction_id = i.auction_id
    WHERE i.symbol = p_symbol;
    SELECT c.kind, c.started_at, c.ends_at INTO x FROM auction_session(s.market, p_date, p_at) AS c;
    v_opens := s.quote_date < p_date AND (x.kind IS NOT NULL OR session_open(s.market, p_date, p_at));
    IF v_opens OR p_at >= s.ends_at THEN
        PERFORM 1 FROM accounts AS c
        WHERE c.account_id = ANY (
            ARRAY(SELECT o.account_id FROM orders AS o WHERE o.symbol = p_symbol AND o.resting_won IS NOT NULL) || p_account_id
        )
        ORDER BY c.account_id FOR NO KEY UPDATE;
        IF v_opens THEN
            PERFORM open_day(p_symbol, p_date, p_at);
        ELSE
            PERFORM uncross_issue(p_symbol);
        END IF;
        RETURN 'moved';
    END IF;
    IF s.quote_date <> p_date OR (p_at AT TIME ZONE 'Asia/Seoul')::date <> p_date THEN
        RETURN NULL;
    END IF;
    IF s.auction_id IS NOT NULL THEN
        RETURN 'collects';
    END IF;
    IF x.kind IS NULL OR s.status <> 'listed'
        OR EXISTS (SELECT 1 FROM auctions AS a WHERE a.symbol = p_symbol AND a.business_date = p_date AND a.kind = x.kind)
    THEN
        RETURN NULL;
    END IF;
    v_auction := nextval('event_ids');
    INSERT INTO auctions (auction_id, symbol, business_date, kind, started_at, ends_at)
    VALUES (v_auction, p_symbol, p_date, x.kind, x.started_at, x.ends_at);
    UPDATE stock_inventory SET auction_id = v_auction WHERE symbol = p_symbol;
    RETURN 'collects';
END
$body$;
COMMENT ON FUNCTION advance_issue(text, bigint, date, timestamptz) IS 'What an order does that finds its issue out of continuous trading: moved (the issue was opened or uncrossed, look again), collects (an auction runs), or NULL (the market is closed). Needs the symbol locked';

CREATE OR REPLACE FUNCTION uncross(p_symbol text, p_at timestamptz DEFAULT NULL)
RETURNS TABLE (auction_id bigint, kind varchar(16), price_won bigint, volume bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $body$
#variable_conflict use_column
DECLARE
    v_auction bigint;
BEGIN
    IF current_setting('transaction_isolation') = 'repeatable read' THEN
        PERFORM refuse_old_reads('uncross');
    END IF;
    SELECT a.auction_id INTO v_auction
    FROM stock_inventory AS i
    JOIN auctions AS a ON a.auction_id = i.auction_id
    WHERE i.symbol = p_symbol AND a.ends_at <= coalesce(p_at, clock_timestamp())
    FOR NO KEY UPDATE OF i;
    IF v_auction IS NULL THEN
        RETURN;
    END IF;
    PERFORM 1 FROM accounts AS c
    WHERE c.account_id = ANY (ARRAY(SELECT o.account_id FROM orders AS o WHERE o.symbol = p_symbol AND o.resting_won IS NOT NULL))
    ORDER BY c.account_id FOR NO KEY UPDATE;
    PERFORM uncross_issue(p_symbol);
    RETURN QUERY SELECT a.auction_id, a.kind, a.price_won, a.volume FROM auctions AS a WHERE a.auction_id = v_auction;
END
$body$;
COMMENT ON FUNCTION uncross(text, timestamptz) IS 'Uncrosses the call auction of an issue, if it has one that is over; answers with what came of it';

CREATE OR REPLACE FUNCTION interrupt_issues(p_business_date date DEFAULT NULL, p_at timestamptz DEFAULT NULL)
RETURNS TABLE (auction_id bigint, symbol varchar(6), kind varchar(16))
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $body$
#variable_conflict use_column
DECLARE
    v_at timestamptz := coalesce(p_at, clock_timestamp());
    v_date date := coalesce(p_business_date, (v_at AT TIME ZONE 'Asia/Seoul')::date);
    r record;
    v_found text[];
    v_auction bigint;
BEGIN
    v_found := ARRAY(SELECT f.symbol FROM far_moved(v_date, v_at) AS f);
    IF cardinality(v_found) = 0 THEN
        RETURN;
    END IF;
    -- Found without a lock, and asked again under it.
    PERFORM 1 FROM stock_inventory AS i WHERE i.symbol = ANY (v_found) ORDER BY i.symbol FOR NO KEY UPDATE;
    FOR r IN SELECT f.* FROM far_moved(v_date, v_at) AS f WHERE f.symbol = ANY (v_found) ORDER BY f.symbol LOOP
        v_auction := nextval('event_ids');
        INSERT INTO auctions (auction_id, symbol, business_date, kind, started_at, ends_at)
        VALUES (v_auction, r.symbol, v_date, r.kind, v_at, r.ends_at);
        UPDATE stock_inventory AS i SET auction_id = v_auction WHERE i.symbol = r.symbol;
        INSERT INTO audit_log (audit_id, business_date, user_id, action, entity, entity_id, detail)
        VALUES (v_auction, v_date, NULL, 'interrupt', 'auction', v_auction, concat_ws(' ', r.kind, r.symbol, 'from', r.from_won, 'to', r.to_won));
        auction_id := v_auction;
        symbol := r.symbol;
        kind := r.kind;
        RETURN NEXT;
    END LOOP;
END
$body$;
COMMENT ON FUNCTION interrupt_issues(date, timestamptz) IS 'Sends the issues whose price moved too far into a call auction (volatility interruption); answers with them';

CREATE OR REPLACE FUNCTION far_moved(p_date date, p_at timestamptz)
RETURNS TABLE (symbol varchar(6), kind varchar(16), from_won bigint, to_won bigint, ends_at timestamptz)
LANGUAGE sql STABLE AS $body$
    WITH market AS MATERIALIZED (
        SELECT m.market, h.closes_at
        FROM (SELECT DISTINCT l.market FROM interruption_limits AS l) AS m
        CROSS JOIN LATERAL continuous_hours(m.market, p_date) AS h
        WHERE session_open(m.market, p_date, p_at)
    ),
    seen AS (
        SELECT
            i.symbol, k.market, m.closes_at, coalesce(a.price_won, a.reference_won, i.base_won) AS single_won, i.last_won,
            -- The trade before the last one, where the last one was not in an auction.
            CASE WHEN t.auction_id IS NULL AND t.trade_id > coalesce(a.uncrossed_event_id, 0) THEN coalesce(b.price_won, i.base_won) END AS before_won
        FROM stock_inventory AS i
        JOIN stocks AS k ON k.symbol = i.symbol
        JOIN market AS m ON m.market = k.market
        LEFT JOIN LATERAL (
            SELECT u.price_won, u.reference_won, u.uncrossed_event_id FROM auctions AS u
            WHERE u.symbol = i.symbol AND u.business_date = p_date AND u.status = 'uncrossed' ORDER BY u.auction_id DESC LIMIT 1
        ) AS a ON true
        LEFT JOIN LATERAL (
            SELECT t.trade_id, t.auction_id FROM trades AS t WHERE t.symbol = i.symbol AND t.business_date = p_date ORDER BY t.trade_id DESC LIMIT 1
        ) AS t ON true
        LEFT JOIN LATERAL (
            SELECT b.price_won FROM trades AS b
            WHERE b.symbol = i.symbol AND b.business_date = p_date AND b.trade_id < t.trade_id ORDER BY b.trade_id DESC LIMIT 1
        ) AS b ON true
        WHERE i.quote_date = p_date AND i.auction_id IS NULL AND k.status = 'listed' AND t.trade_id IS NOT NULL
    ),
    beyond AS (
        SELECT s.symbol, l.kind, CASE l.kind WHEN 'static' THEN s.single_won ELSE s.before_won END AS from_won, s.last_won, l.limit_bp, l.lasts_s,
            s.closes_at
        FROM seen AS s
        JOIN interruption_limits AS l
            ON l.market = s.market
            AND l.valid_from = (SELECT max(n.valid_from) FROM interruption_limits AS n
                WHERE n.market = l.market AND n.kind = l.kind AND n.valid_from <= p_date)
    )
    SELECT DISTINCT ON (b.symbol) b.symbol, b.kind, b.from_won, b.last_won, p_at + make_interval(secs => b.lasts_s)
    FROM beyond AS b
    WHERE
        abs(b.last_won - b.from_won) * 10000 >= b.limit_bp * b.from_won
        AND ((p_at AT TIME ZONE 'Asia/Seoul') + make_interval(secs => b.lasts_s))::time <= b.closes_at
    ORDER BY b.symbol, b.kind DESC
$body$;
COMMENT ON FUNCTION far_moved(date, timestamptz) IS 'Issues in continuous trading whose last price is too far from the last single price (static) or from the trade before (dynamic)';
