-- The rules of the market as rows that a DBA can edit: nothing here is code.
-- Each row holds from its date on, until a newer row of the same key; a row with `valid_to` ends by itself.

CREATE SEQUENCE event_ids AS bigint CACHE 1;
COMMENT ON SEQUENCE event_ids IS 'One clock for orders, trades, journals, cancellations and audit rows: drawn under the lock of the symbol, so that within a symbol a smaller id happened earlier';

-- The words and numbers of the tables that every order writes. PostgreSQL reads a table's CHECK constraints anew for every
-- statement that writes to it, which was a third of the price of an order; it reads those of a domain once a session.
CREATE DOMAIN order_side AS varchar(4) COLLATE "C" CHECK (VALUE IN ('buy', 'sell'));
CREATE DOMAIN order_kind AS varchar(8) COLLATE "C" CHECK (VALUE IN ('limit', 'market'));
CREATE DOMAIN order_status AS varchar(16) COLLATE "C" CHECK (VALUE IN ('open', 'filled', 'cancelled', 'rejected'));
CREATE DOMAIN request_key AS varchar(64) COLLATE "C" CHECK (VALUE <> '');
CREATE DOMAIN entry_kind AS varchar(8) COLLATE "C" CHECK (VALUE IN ('open', 'deposit', 'trade', 'fee', 'tax'));
CREATE DOMAIN asset_code AS varchar(6) COLLATE "C" CHECK (VALUE = 'KRW' OR VALUE ~ '^[0-9][0-9A-Z]{5}$');
CREATE DOMAIN account_kind AS varchar(16) COLLATE "C" CHECK (VALUE IN ('customer', 'house', 'fees', 'tax', 'bank', 'issuer'));
CREATE DOMAIN account_status AS varchar(16) COLLATE "C" CHECK (VALUE IN ('active', 'suspended', 'closed'));
CREATE DOMAIN positive_bigint AS bigint CHECK (VALUE >= 1);
CREATE DOMAIN unsigned_bigint AS bigint CHECK (VALUE >= 0);
CREATE DOMAIN nonzero_bigint AS bigint CHECK (VALUE <> 0);
COMMENT ON DOMAIN order_side IS 'Which way an order goes';
COMMENT ON DOMAIN order_kind IS 'Whether an order names its price';
COMMENT ON DOMAIN order_status IS 'Where an order is in its life';
COMMENT ON DOMAIN request_key IS 'Idempotency key of a request';
COMMENT ON DOMAIN entry_kind IS 'What a leg of a journal is for';
COMMENT ON DOMAIN asset_code IS 'KRW, or the symbol of an issue';
COMMENT ON DOMAIN account_kind IS 'Whose account it is: a customer''s, or one that the books need';
COMMENT ON DOMAIN account_status IS 'Whether an account takes orders';
COMMENT ON DOMAIN positive_bigint IS 'A number from 1 on';
COMMENT ON DOMAIN unsigned_bigint IS 'A number from 0 on';
COMMENT ON DOMAIN nonzero_bigint IS 'Any number but 0';

CREATE TABLE tick_sizes (
    market varchar(8) COLLATE "C" NOT NULL,
    valid_from date NOT NULL,
    price_from_won bigint NOT NULL,
    tick_won bigint NOT NULL,
    CONSTRAINT tick_sizes_pk PRIMARY KEY (market, valid_from, price_from_won),
    CONSTRAINT tick_sizes_price_ck CHECK (price_from_won >= 0),
    CONSTRAINT tick_sizes_tick_ck CHECK (tick_won >= 1)
);
COMMENT ON TABLE tick_sizes IS 'Smallest price step of a limit order, by price band; the set with the newest valid_from is in force';
COMMENT ON COLUMN tick_sizes.market IS 'Market code: KOSPI, KOSDAQ, KONEX';
COMMENT ON COLUMN tick_sizes.valid_from IS 'First business date of the whole set of bands';
COMMENT ON COLUMN tick_sizes.price_from_won IS 'Lower bound of the band, inclusive, in won';
COMMENT ON COLUMN tick_sizes.tick_won IS 'Price step inside the band, in won';

CREATE TABLE price_limits (
    market varchar(8) COLLATE "C" NOT NULL,
    valid_from date NOT NULL,
    limit_bp integer NOT NULL,
    CONSTRAINT price_limits_pk PRIMARY KEY (market, valid_from),
    CONSTRAINT price_limits_bp_ck CHECK (limit_bp BETWEEN 1 AND 10000)
);
COMMENT ON TABLE price_limits IS 'How far a price may go from the base price within one day';
COMMENT ON COLUMN price_limits.market IS 'Market code: KOSPI, KOSDAQ, KONEX';
COMMENT ON COLUMN price_limits.valid_from IS 'First business date of the limit';
COMMENT ON COLUMN price_limits.limit_bp IS 'Limit in basis points of the base price: 3000 is 30 percent';

CREATE TABLE market_sessions (
    market varchar(8) COLLATE "C" NOT NULL,
    session varchar(24) COLLATE "C" NOT NULL,
    valid_from date NOT NULL,
    valid_to date NULL,
    opens_at time(0) NOT NULL,
    closes_at time(0) NOT NULL,
    matching varchar(16) COLLATE "C" NOT NULL,
    CONSTRAINT market_sessions_pk PRIMARY KEY (market, session, valid_from),
    CONSTRAINT market_sessions_hours_ck CHECK (opens_at < closes_at),
    CONSTRAINT market_sessions_dates_ck CHECK (valid_to >= valid_from),
    CONSTRAINT market_sessions_matching_ck CHECK (matching IN ('continuous', 'auction', 'closing_price', 'block'))
);
COMMENT ON TABLE market_sessions IS 'Hours of the market in KST; a one-day exception is a row whose valid_from and valid_to are that day';
COMMENT ON COLUMN market_sessions.market IS 'Market code: KOSPI, KOSDAQ, KONEX';
COMMENT ON COLUMN market_sessions.session IS 'Name of the session: regular, closing_auction, and so on';
COMMENT ON COLUMN market_sessions.valid_from IS 'First business date of these hours';
COMMENT ON COLUMN market_sessions.valid_to IS 'Last business date of these hours; NULL for no end';
COMMENT ON COLUMN market_sessions.opens_at IS 'Opening time, KST, inclusive';
COMMENT ON COLUMN market_sessions.closes_at IS 'Closing time, KST, exclusive';
COMMENT ON COLUMN market_sessions.matching IS 'How orders meet: place_order takes orders in continuous sessions only';

CREATE TABLE market_holidays (
    market varchar(8) COLLATE "C" NOT NULL,
    holiday date NOT NULL,
    name varchar(64) NOT NULL,
    CONSTRAINT market_holidays_pk PRIMARY KEY (market, holiday)
);
COMMENT ON TABLE market_holidays IS 'Weekdays on which the market is closed; Saturdays and Sundays are closed without a row';
COMMENT ON COLUMN market_holidays.market IS 'Market code: KOSPI, KOSDAQ, KONEX';
COMMENT ON COLUMN market_holidays.holiday IS 'The closed date';
COMMENT ON COLUMN market_holidays.name IS 'Why it is closed';

CREATE TABLE tax_rates (
    market varchar(8) COLLATE "C" NOT NULL,
    settles_from date NOT NULL,
    sell_rate numeric(9, 8) NOT NULL,
    CONSTRAINT tax_rates_pk PRIMARY KEY (market, settles_from),
    CONSTRAINT tax_rates_rate_ck CHECK (sell_rate BETWEEN 0 AND 1)
);
COMMENT ON TABLE tax_rates IS 'Tax on the gross value of a sale, transaction tax and rural special tax together, by settlement date';
COMMENT ON COLUMN tax_rates.market IS 'Market code: KOSPI, KOSDAQ, KONEX';
COMMENT ON COLUMN tax_rates.settles_from IS 'First settlement date of the rate: the tax follows settlement, not trade date';
COMMENT ON COLUMN tax_rates.sell_rate IS 'Share of the gross value: 0.0015 is 0.15 percent; parts of a won are cut off';
