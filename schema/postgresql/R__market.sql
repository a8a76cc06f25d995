-- Questions about the market's rules, answered from the dated tables.

CREATE OR REPLACE FUNCTION tick_won(p_market text, p_date date, p_price_won bigint)
RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS $body$
    SELECT t.tick_won
    FROM tick_sizes AS t
    WHERE
        t.market = p_market
        AND t.valid_from = (SELECT max(f.valid_from) FROM tick_sizes AS f WHERE f.market = p_market AND f.valid_from <= p_date)
        AND t.price_from_won <= p_price_won
    ORDER BY t.price_from_won DESC
    LIMIT 1
$body$;
COMMENT ON FUNCTION tick_won(text, date, bigint) IS 'Price step at a price, in won; NULL where no tick table is in force';

CREATE OR REPLACE FUNCTION lower_limit_won(p_market text, p_date date, p_base_won bigint)
RETURNS bigint LANGUAGE plpgsql STABLE PARALLEL SAFE AS $body$
DECLARE
    v_tick bigint := tick_won(p_market, p_date, p_base_won);
    v_price bigint;
BEGIN
    SELECT p_base_won - p_base_won * l.limit_bp / 10000 / v_tick * v_tick INTO v_price
    FROM price_limits AS l WHERE l.market = p_market AND l.valid_from <= p_date
    ORDER BY l.valid_from DESC LIMIT 1;
    v_tick := tick_won(p_market, p_date, v_price);
    RETURN (v_price + v_tick - 1) / v_tick * v_tick;
END
$body$;
COMMENT ON FUNCTION lower_limit_won(text, date, bigint) IS 'Lowest price of the day for a base price: the limit cut to the tick of the base, then moved up to a valid tick';

CREATE OR REPLACE FUNCTION upper_limit_won(p_market text, p_date date, p_base_won bigint)
RETURNS bigint LANGUAGE plpgsql STABLE PARALLEL SAFE AS $body$
DECLARE
    v_tick bigint := tick_won(p_market, p_date, p_base_won);
    v_price bigint;
BEGIN
    SELECT p_base_won + p_base_won * l.limit_bp / 10000 / v_tick * v_tick INTO v_price
    FROM price_limits AS l WHERE l.market = p_market AND l.valid_from <= p_date
    ORDER BY l.valid_from DESC LIMIT 1;
    v_tick := tick_won(p_market, p_date, v_price);
    RETURN v_price / v_tick * v_tick;
END
$body$;
COMMENT ON FUNCTION upper_limit_won(text, date, bigint) IS 'Highest price of the day for a base price: the limit cut to the tick of the base, then moved down to a valid tick';

CREATE OR REPLACE FUNCTION is_business_day(p_market text, p_date date)
RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $body$
    SELECT
        extract(isodow FROM p_date) < 6
        AND NOT EXISTS (SELECT 1 FROM market_holidays AS h WHERE h.market = p_market AND h.holiday = p_date)
$body$;
COMMENT ON FUNCTION is_business_day(text, date) IS 'True where the market opens on the date';

CREATE OR REPLACE FUNCTION business_day_after(p_market text, p_date date, p_days integer)
RETURNS date LANGUAGE plpgsql STABLE PARALLEL SAFE AS $body$
DECLARE
    v_date date := p_date;
    v_left integer := p_days;
BEGIN
    WHILE v_left > 0 LOOP
        v_date := v_date + 1;
        IF is_business_day(p_market, v_date) THEN
            v_left := v_left - 1;
        END IF;
    END LOOP;
    RETURN v_date;
END
$body$;
COMMENT ON FUNCTION business_day_after(text, date, integer) IS 'The date that many business days later: two of them make the settlement date';

CREATE OR REPLACE FUNCTION session_open(p_market text, p_date date, p_at timestamptz)
RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $body$
    SELECT
        extract(isodow FROM p_date) < 6
        AND (p_at AT TIME ZONE 'Asia/Seoul')::date = p_date
        AND NOT EXISTS (SELECT 1 FROM market_holidays AS h WHERE h.market = p_market AND h.holiday = p_date)
        AND EXISTS (
            SELECT 1
            FROM market_sessions AS s
            WHERE
                s.market = p_market
                AND s.matching = 'continuous'
                AND s.valid_from = (
                    SELECT max(n.valid_from)
                    FROM market_sessions AS n
                    WHERE
                        n.market = s.market AND n.session = s.session AND n.valid_from <= p_date
                        AND (n.valid_to IS NULL OR n.valid_to >= p_date)
                )
                AND (p_at AT TIME ZONE 'Asia/Seoul')::time >= s.opens_at
                AND (p_at AT TIME ZONE 'Asia/Seoul')::time < s.closes_at
        )
$body$;
COMMENT ON FUNCTION session_open(text, date, timestamptz) IS 'True where a continuous session of the market is open on the business date at the instant';

CREATE OR REPLACE FUNCTION continuous_hours(p_market text, p_date date, OUT opens_at time, OUT closes_at time)
LANGUAGE sql STABLE PARALLEL SAFE AS $body$
    SELECT min(s.opens_at), min(s.closes_at)
    FROM market_sessions AS s
    WHERE
        s.market = p_market
        AND s.matching = 'continuous'
        AND s.valid_from = (
            SELECT max(n.valid_from)
            FROM market_sessions AS n
            WHERE
                n.market = s.market AND n.session = s.session AND n.valid_from <= p_date
                AND (n.valid_to IS NULL OR n.valid_to >= p_date)
        )
    HAVING count(*) = 1
$body$;
COMMENT ON FUNCTION continuous_hours(text, date) IS 'Hours of the continuous session of a business date; NULL where there is none, or more than one';

-- Every issue keeps the hours of its day. All rows are locked, those without hours too: an order that opens a day right now
-- either ends first, or reads the sessions as they are changed here.
CREATE OR REPLACE FUNCTION forget_hours()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $body$
BEGIN
    PERFORM 1 FROM stock_inventory AS i ORDER BY i.symbol FOR NO KEY UPDATE;
    UPDATE stock_inventory SET opens_at = NULL, closes_at = NULL WHERE opens_at IS NOT NULL;
    RETURN NULL;
END
$body$;
COMMENT ON FUNCTION forget_hours() IS 'Makes every issue ask market_sessions again: an edit of the calendar holds from its commit on';
CREATE OR REPLACE TRIGGER market_sessions_forget AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON market_sessions
    FOR EACH STATEMENT EXECUTE FUNCTION forget_hours();
CREATE OR REPLACE TRIGGER market_holidays_forget AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON market_holidays
    FOR EACH STATEMENT EXECUTE FUNCTION forget_hours();

-- The same for the price steps of the day.
CREATE OR REPLACE FUNCTION forget_ticks()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $body$
BEGIN
    PERFORM 1 FROM stock_inventory AS i ORDER BY i.symbol FOR NO KEY UPDATE;
    UPDATE stock_inventory SET tick_won = NULL, high_tick_from_won = NULL, high_tick_won = NULL WHERE tick_won IS NOT NULL;
    RETURN NULL;
END
$body$;
COMMENT ON FUNCTION forget_ticks() IS 'Makes every issue ask tick_sizes again: an edit of the price steps holds from its commit on';
CREATE OR REPLACE TRIGGER tick_sizes_forget AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON tick_sizes
    FOR EACH STATEMENT EXECUTE FUNCTION forget_ticks();

CREATE OR REPLACE FUNCTION refuse_old_reads(p_routine text)
RETURNS void LANGUAGE plpgsql AS $body$
BEGIN
    RAISE EXCEPTION '% reads what others committed while it waited for a lock, which REPEATABLE READ hides', p_routine
        USING ERRCODE = 'invalid_transaction_state', HINT = 'Begin at READ COMMITTED, or at SERIALIZABLE and try again on 40001.';
END
$body$;
COMMENT ON FUNCTION refuse_old_reads(text) IS 'Ends a routine that somebody called at REPEATABLE READ';
