-- requires: R__place_order.sql
-- The first and the last word of a rebalancing; what is between them are orders by place_order, each with a key of its own.

CREATE OR REPLACE FUNCTION start_rebalance(
    p_portfolio_id bigint, p_minimum_won bigint, p_value_won bigint, p_lines jsonb, p_business_date date DEFAULT NULL, p_at timestamptz DEFAULT NULL
)
RETURNS TABLE (rebalance_id bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $body$
#variable_conflict use_column
DECLARE
    v_at timestamptz := coalesce(p_at, clock_timestamp());
    v_date date := coalesce(p_business_date, (v_at AT TIME ZONE 'Asia/Seoul')::date);
    v_id bigint;
    v_user_id bigint;
    v_orders bigint;
BEGIN
    INSERT INTO rebalances AS r (portfolio_id, account_id, business_date, band_bp, minimum_won, value_won, started_at)
    SELECT f.portfolio_id, f.account_id, v_date, f.band_bp, p_minimum_won, p_value_won, v_at
    FROM portfolios AS f WHERE f.portfolio_id = p_portfolio_id AND f.status = 'active'
    RETURNING r.rebalance_id INTO v_id;
    IF v_id IS NULL THEN
        RAISE EXCEPTION 'portfolio % is not an active one', p_portfolio_id USING ERRCODE = 'P0001';
    END IF;
    INSERT INTO rebalance_lines (rebalance_id, line_no, symbol, target_bp, weight_bp, expected_bp, price_won, side, quantity, limit_won, reason)
    SELECT v_id, l.line_no, l.symbol, l.target_bp, l.weight_bp, l.expected_bp, l.price_won, l.side, l.quantity, l.limit_won, l.reason
    FROM jsonb_to_recordset(p_lines) AS l (
        line_no integer, symbol text, target_bp integer, weight_bp integer, expected_bp integer, price_won bigint, side text,
        quantity bigint, limit_won bigint, reason text
    );
    SELECT count(l.side) INTO v_orders FROM rebalance_lines AS l WHERE l.rebalance_id = v_id;
    SELECT f.user_id INTO v_user_id FROM portfolios AS f WHERE f.portfolio_id = p_portfolio_id;
    INSERT INTO audit_log (audit_id, business_date, user_id, action, entity, entity_id, detail)
    VALUES (nextval('event_ids'), v_date, v_user_id, 'start', 'rebalance', v_id,
        concat_ws(' ', 'portfolio', p_portfolio_id, 'of', p_value_won, 'won with', v_orders, 'orders'));
    RETURN QUERY SELECT v_id;
END
$body$;
COMMENT ON FUNCTION start_rebalance(bigint, bigint, bigint, jsonb, date, timestamptz) IS 'Keeps the plan of a rebalancing with its audit row; refused while another one of the portfolio is open';

CREATE OR REPLACE FUNCTION finish_rebalance(p_rebalance_id bigint, p_business_date date DEFAULT NULL, p_at timestamptz DEFAULT NULL)
RETURNS TABLE (finished boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $body$
DECLARE
    v_at timestamptz := coalesce(p_at, clock_timestamp());
    v_date date := coalesce(p_business_date, (v_at AT TIME ZONE 'Asia/Seoul')::date);
    r record;
    s record;
BEGIN
    UPDATE rebalances AS b SET status = 'done', finished_at = v_at
    FROM portfolios AS f
    WHERE b.rebalance_id = p_rebalance_id AND b.status = 'open' AND f.portfolio_id = b.portfolio_id
    RETURNING b.portfolio_id, b.account_id, f.user_id, f.name INTO r;
    IF NOT FOUND THEN
        RETURN QUERY SELECT false;
        RETURN;
    END IF;
    SELECT
        count(DISTINCT o.order_id) AS orders,
        coalesce(sum(x.value_won), 0)::bigint AS sold_won,
        coalesce(sum(b.value_won), 0)::bigint AS bought_won,
        coalesce(sum(coalesce(b.buy_fee_won, 0) + coalesce(x.sell_fee_won + x.sell_tax_won, 0)), 0)::bigint AS costs_won
    INTO s
    FROM rebalance_lines AS l
    JOIN orders AS o ON o.account_id = r.account_id AND o.idempotency_key = concat('rebalance-', p_rebalance_id, '-', l.line_no)
    LEFT JOIN trades AS b ON o.side = 'buy' AND b.buy_order_id = o.order_id
    LEFT JOIN trades AS x ON o.side = 'sell' AND x.sell_order_id = o.order_id
    WHERE l.rebalance_id = p_rebalance_id;
    INSERT INTO notifications (user_id, kind, channel, body, created_at)
    VALUES (r.user_id, 'rebalance_executed', 'push',
        concat('포트폴리오 ', r.name, ' 리밸런싱: 주문 ', s.orders, '건, 매도 ', s.sold_won, '원, 매수 ', s.bought_won,
            '원, 수수료와 세금 ', s.costs_won, '원'), v_at);
    INSERT INTO audit_log (audit_id, business_date, user_id, action, entity, entity_id, detail)
    VALUES (nextval('event_ids'), v_date, r.user_id, 'finish', 'rebalance', p_rebalance_id,
        concat_ws(' ', 'portfolio', r.portfolio_id, 'orders', s.orders, 'sold', s.sold_won, 'bought', s.bought_won, 'costs', s.costs_won));
    RETURN QUERY SELECT true;
END
$body$;
COMMENT ON FUNCTION finish_rebalance(bigint, date, timestamptz) IS 'Ends a rebalancing with its one message and its audit row; false where it was ended before';
