-- Technical indicators, computed from the daily prices of a range of issues; a day without a trade is no day of theirs.
-- Every number is a whole one in small units, divided with the rest cut off, so that no rounding depends on the server, on the
-- engine, or on whether a day is computed alone or with ten years before it.

-- What a day leads to from the day before it. The state: day_no, ema_12_e8, ema_26_e8, signal_e8, gain_e10, loss_e10, the last two
-- stochastic_k and stochastic_d in millionths (-1 for none), the slow percent D. A row that has indicators gives its state.
CREATE OR REPLACE FUNCTION indicator_step(
    p_state bigint[], p_close_won bigint, p_change_won bigint, p_is_first boolean, p_k_e6 bigint, p_stored bigint[]
)
RETURNS bigint[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $body$
DECLARE
    v_close_e8 bigint := p_close_won * 100000000;
    v_gain_e10 bigint := greatest(p_change_won, 0) * 10000000000;
    v_loss_e10 bigint := greatest(-p_change_won, 0) * 10000000000;
    n bigint;
    v_macd_e8 bigint;
    v_d_e6 bigint := -1;
    v_slow_e6 bigint := -1;
BEGIN
    IF p_stored IS NOT NULL THEN
        RETURN p_stored;
    END IF;
    IF p_is_first THEN
        RETURN ARRAY[1, v_close_e8, v_close_e8, 0, 0, 0, -1, -1, -1, -1, -1];
    END IF;
    n := p_state[1] + 1;
    p_state[2] := CASE
        WHEN n > 12 THEN (2 * v_close_e8 + 11 * p_state[2]) / 13
        WHEN n < 12 THEN p_state[2] + v_close_e8
        ELSE (p_state[2] + v_close_e8) / 12
    END;
    p_state[3] := CASE
        WHEN n > 26 THEN (2 * v_close_e8 + 25 * p_state[3]) / 27
        WHEN n < 26 THEN p_state[3] + v_close_e8
        ELSE (p_state[3] + v_close_e8) / 26
    END;
    IF n >= 26 THEN
        v_macd_e8 := p_state[2] - p_state[3];
        p_state[4] := CASE
            WHEN n > 34 THEN (2 * v_macd_e8 + 8 * p_state[4]) / 10
            WHEN n < 34 THEN p_state[4] + v_macd_e8
            ELSE (p_state[4] + v_macd_e8) / 9
        END;
    END IF;
    IF n > 15 THEN
        p_state[5] := (13 * p_state[5] + v_gain_e10) / 14;
        p_state[6] := (13 * p_state[6] + v_loss_e10) / 14;
    ELSE
        p_state[5] := (p_state[5] + v_gain_e10) / CASE n WHEN 15 THEN 14 ELSE 1 END;
        p_state[6] := (p_state[6] + v_loss_e10) / CASE n WHEN 15 THEN 14 ELSE 1 END;
    END IF;
    IF n < 14 THEN
        p_k_e6 := -1;
    ELSIF least(p_k_e6, p_state[7], p_state[8]) >= 0 THEN
        v_d_e6 := (p_k_e6 + p_state[7] + p_state[8]) / 3;
        IF least(p_state[9], p_state[10]) >= 0 THEN
            v_slow_e6 := (v_d_e6 + p_state[9] + p_state[10]) / 3;
        END IF;
    END IF;
    RETURN ARRAY[
        n, p_state[2], p_state[3], p_state[4], p_state[5], p_state[6], p_k_e6, p_state[7], v_d_e6, p_state[9], v_slow_e6
    ];
END
$body$;
COMMENT ON FUNCTION indicator_step(bigint[], bigint, bigint, boolean, bigint, bigint[]) IS 'One day of the means that depend on the day before; of the aggregate indicator_walk';

CREATE OR REPLACE AGGREGATE indicator_walk(bigint, bigint, boolean, bigint, bigint[]) (
    SFUNC = indicator_step,
    STYPE = bigint[]
);
COMMENT ON AGGREGATE indicator_walk(bigint, bigint, boolean, bigint, bigint[]) IS 'The means that depend on the day before, over the days of an issue in their order';

CREATE OR REPLACE FUNCTION compute_indicators(p_first_symbol text, p_last_symbol text, p_from date DEFAULT NULL)
RETURNS TABLE (computed bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET work_mem = '64MB' AS $body$
#variable_conflict use_column
DECLARE
    v_computed bigint;
BEGIN
    IF p_from IS NOT NULL THEN
        DELETE FROM technical_indicators AS t
        WHERE t.symbol BETWEEN p_first_symbol AND p_last_symbol AND t.price_date >= p_from;
    END IF;
    INSERT INTO technical_indicators (
        symbol, price_date, day_no, close_won, sma_20, sma_50, sma_200, bollinger_upper, bollinger_lower, rsi_14, macd, macd_signal,
        macd_histogram, stochastic_k, stochastic_d, stochastic_slow_d, ema_12_e8, ema_26_e8, signal_e8, gain_e10, loss_e10
    )
    WITH starts AS MATERIALIZED (
        SELECT
            s.symbol, l.price_date AS last_date, b.price_date AS begins_on, m.limit_bp,
            ARRAY[
                l.day_no, l.ema_12_e8, l.ema_26_e8, l.signal_e8, l.gain_e10, l.loss_e10, coalesce(l.stochastic_k * 1000000, -1)::bigint,
                coalesce(e.stochastic_k * 1000000, -1)::bigint, coalesce(l.stochastic_d * 1000000, -1)::bigint,
                coalesce(e.stochastic_d * 1000000, -1)::bigint, -1
            ] AS stored
        FROM stocks AS s
        LEFT JOIN (SELECT n.market, max(n.limit_bp) AS limit_bp FROM price_limits AS n GROUP BY n.market) AS m ON m.market = s.market
        LEFT JOIN LATERAL (
            SELECT t.* FROM technical_indicators AS t WHERE t.symbol = s.symbol ORDER BY t.price_date DESC LIMIT 1
        ) AS l ON true
        LEFT JOIN LATERAL (
            SELECT t.stochastic_k, t.stochastic_d FROM technical_indicators AS t
            WHERE t.symbol = s.symbol AND l.day_no > 1 ORDER BY t.price_date DESC LIMIT 1 OFFSET 1
        ) AS e ON true
        LEFT JOIN LATERAL (
            SELECT p.price_date FROM stock_prices AS p
            WHERE p.symbol = s.symbol AND p.price_date <= l.price_date AND p.volume > 0 ORDER BY p.price_date DESC LIMIT 1 OFFSET 198
        ) AS b ON true
        WHERE s.symbol BETWEEN p_first_symbol AND p_last_symbol
    ),
    facts AS (
        SELECT
            s.symbol, p.price_date, p.close_won, s.last_date,
            CASE WHEN p.price_date <= s.last_date THEN s.stored END AS stored,
            p.close_won - lag(p.close_won) OVER k AS change_won,
            coalesce(abs(p.close_won - lag(p.close_won) OVER k) * 10000 > s.limit_bp * lag(p.close_won) OVER k, row_number() OVER k = 1) AS is_first,
            (sum(p.close_won) OVER (k ROWS 19 PRECEDING))::bigint AS sum_20,
            (sum(p.close_won * p.close_won) OVER (k ROWS 19 PRECEDING))::bigint AS squares_20,
            (sum(p.close_won) OVER (k ROWS 49 PRECEDING))::bigint AS sum_50,
            (sum(p.close_won) OVER (k ROWS 199 PRECEDING))::bigint AS sum_200,
            max(p.high_won) OVER (k ROWS 13 PRECEDING) AS highest_won,
            min(p.low_won) OVER (k ROWS 13 PRECEDING) AS lowest_won
        FROM starts AS s
        -- Each issue by its index: without OFFSET the planner may join all prices with all issues, which took a minute a day.
        CROSS JOIN LATERAL (
            SELECT q.price_date, q.close_won, q.high_won, q.low_won FROM stock_prices AS q
            WHERE q.symbol = s.symbol AND q.volume > 0 AND q.price_date >= coalesce(s.begins_on, '-infinity'::date) OFFSET 0
        ) AS p
        WINDOW k AS (PARTITION BY s.symbol ORDER BY p.price_date)
    ),
    walked AS (
        SELECT
            f.symbol, f.price_date, f.last_date, f.close_won, f.sum_20, f.sum_50, f.sum_200,
            floor(sqrt(20 * f.squares_20 - f.sum_20 * f.sum_20) * 10000)::bigint AS deviation_e5,
            indicator_walk(
                f.close_won, f.change_won, f.is_first,
                CASE
                    WHEN f.highest_won > f.lowest_won
                    THEN 100000000 * (f.close_won - f.lowest_won) / (f.highest_won - f.lowest_won)
                    ELSE -1
                END,
                f.stored
            ) OVER (PARTITION BY f.symbol ORDER BY f.price_date) AS w
        FROM facts AS f
    )
    SELECT
        n.symbol, n.price_date, n.w[1], n.close_won,
        CASE WHEN n.w[1] >= 20 THEN n.sum_20 * 0.05 END,
        CASE WHEN n.w[1] >= 50 THEN n.sum_50 * 0.02 END,
        CASE WHEN n.w[1] >= 200 THEN n.sum_200 * 0.005 END,
        CASE WHEN n.w[1] >= 20 THEN n.sum_20 * 0.05 + n.deviation_e5 * 0.00001 END,
        CASE WHEN n.w[1] >= 20 THEN n.sum_20 * 0.05 - n.deviation_e5 * 0.00001 END,
        CASE WHEN n.w[1] >= 15 AND n.w[5] + n.w[6] > 0 THEN div(100000000::numeric * n.w[5], n.w[5] + n.w[6]) * 0.000001 END,
        CASE WHEN n.w[1] >= 26 THEN (n.w[2] - n.w[3]) * 0.00000001 END,
        CASE WHEN n.w[1] >= 34 THEN n.w[4] * 0.00000001 END,
        CASE WHEN n.w[1] >= 34 THEN (n.w[2] - n.w[3] - n.w[4]) * 0.00000001 END,
        CASE WHEN n.w[7] >= 0 THEN n.w[7] * 0.000001 END,
        CASE WHEN n.w[9] >= 0 THEN n.w[9] * 0.000001 END,
        CASE WHEN n.w[11] >= 0 THEN n.w[11] * 0.000001 END,
        n.w[2], n.w[3], n.w[4], n.w[5], n.w[6]
    FROM walked AS n
    WHERE n.last_date IS NULL OR n.price_date > n.last_date;
    GET DIAGNOSTICS v_computed = ROW_COUNT;
    RETURN QUERY SELECT v_computed;
END
$body$;
COMMENT ON FUNCTION compute_indicators(text, text, date) IS 'Computes the indicators of the days after the last ones stored, of the issues from one symbol to another; from a date on anew where one is given';
