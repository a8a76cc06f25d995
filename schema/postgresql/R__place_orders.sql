-- requires: R__place_order.sql
-- Many orders in one transaction: same rules, same books, one answer for each order.
--
-- All symbols are locked first, in order, then every account that any of the orders can touch, in order; then the
-- orders run one after the other as they stand in the array. Nobody else trades these symbols meanwhile: keep to
-- 1,000 orders.

CREATE OR REPLACE FUNCTION place_orders(p_orders jsonb, p_business_date date DEFAULT NULL, p_at timestamptz DEFAULT NULL)
RETURNS TABLE (
    position_no bigint, status varchar(16), reason varchar(24), order_id bigint, filled_quantity bigint,
    filled_value_won bigint, fee_won bigint, tax_won bigint, replayed boolean
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $body$
#variable_conflict use_column
DECLARE
    v_at timestamptz := coalesce(p_at, clock_timestamp());
    v_date date := coalesce(p_business_date, (v_at AT TIME ZONE 'Asia/Seoul')::date);
    v_answer order_answer;
    v_symbols text[];
    v_order record;
BEGIN
    IF jsonb_array_length(p_orders) > 1000 THEN
        RAISE EXCEPTION 'place_orders takes 1000 orders at most, got %', jsonb_array_length(p_orders) USING ERRCODE = 'P0001';
    END IF;
    SELECT array_agg(DISTINCT symbol) INTO v_symbols FROM jsonb_to_recordset(p_orders) AS j (symbol text);
    PERFORM 1 FROM stock_inventory AS i WHERE i.symbol = ANY (v_symbols) ORDER BY i.symbol FOR NO KEY UPDATE;
    PERFORM 1
    FROM accounts AS a
    WHERE a.account_id IN (
        SELECT j.account_id FROM jsonb_to_recordset(p_orders) AS j (account_id bigint)
        UNION ALL
        SELECT o.account_id
        FROM orders AS o
        JOIN stock_inventory AS i ON i.symbol = o.symbol
        JOIN (
            SELECT
                symbol,
                max(CASE WHEN side = 'buy' THEN coalesce(limit_won, 9223372036854775807) END) AS buys_to_won,
                min(CASE WHEN side = 'sell' THEN coalesce(limit_won, 0) END) AS sells_from_won
            FROM jsonb_to_recordset(p_orders) AS j (symbol text, side text, limit_won bigint)
            GROUP BY symbol
        ) AS b ON b.symbol = o.symbol
        WHERE
            o.resting_won IS NOT NULL
            AND (
                i.quote_date < v_date
                OR (o.side = 'sell' AND o.resting_won <= b.buys_to_won)
                OR (o.side = 'buy' AND o.resting_won >= b.sells_from_won)
            )
    )
    ORDER BY a.account_id
    FOR NO KEY UPDATE;
    PERFORM open_day(i.symbol, v_date, v_at)
    FROM stock_inventory AS i
    JOIN stocks AS s ON s.symbol = i.symbol
    WHERE i.symbol = ANY (v_symbols) AND i.quote_date < v_date AND session_open(s.market, v_date, v_at);
    FOR v_order IN
        SELECT j.*
        FROM ROWS FROM (
            jsonb_to_recordset(p_orders) AS (
                key text, account_id bigint, symbol text, side text, kind text, limit_won bigint, quantity bigint,
                portfolio_id bigint, condition_id bigint, prediction_id bigint
            )
        ) WITH ORDINALITY AS j (key, account_id, symbol, side, kind, limit_won, quantity, portfolio_id, condition_id, prediction_id, position_no)
        ORDER BY j.position_no
    LOOP
        v_answer := place_order(v_order.key, v_order.account_id, v_order.symbol, v_order.side, v_order.kind, v_order.limit_won,
            v_order.quantity, v_date, v_at, v_order.portfolio_id, v_order.condition_id, v_order.prediction_id);
        RETURN QUERY SELECT v_order.position_no, v_answer.status, v_answer.reason, v_answer.order_id, v_answer.filled_quantity,
            v_answer.filled_value_won, v_answer.fee_won, v_answer.tax_won, v_answer.replayed;
    END LOOP;
END
$body$;
COMMENT ON FUNCTION place_orders(jsonb, date, timestamptz) IS 'Places up to 1,000 orders in one transaction, in the order of the array, one answer for each';
