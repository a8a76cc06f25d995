-- The rules of the market as rows that a DBA can edit: nothing here is code.
-- Each row holds from its date on, until a newer row of the same key; a row with `valid_to` ends by itself.

CREATE SEQUENCE event_ids CACHE 1000 ENGINE = InnoDB COMMENT = 'One clock for orders, trades, journals, cancellations and audit rows: drawn under the lock of the symbol, so that within a symbol a smaller id happened earlier';

CREATE TABLE tick_sizes (
    market VARCHAR(8) NOT NULL COMMENT 'Market code: KOSPI, KOSDAQ, KONEX',
    valid_from DATE NOT NULL COMMENT 'First business date of the whole set of bands',
    price_from_won BIGINT NOT NULL COMMENT 'Lower bound of the band, inclusive, in won',
    tick_won BIGINT NOT NULL COMMENT 'Price step inside the band, in won',
    CONSTRAINT tick_sizes_pk PRIMARY KEY (market, valid_from, price_from_won),
    CONSTRAINT tick_sizes_price_ck CHECK (price_from_won >= 0),
    CONSTRAINT tick_sizes_tick_ck CHECK (tick_won >= 1)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'Smallest price step of a limit order, by price band; the set with the newest valid_from is in force';

CREATE TABLE price_limits (
    market VARCHAR(8) NOT NULL COMMENT 'Market code: KOSPI, KOSDAQ, KONEX',
    valid_from DATE NOT NULL COMMENT 'First business date of the limit',
    limit_bp INT NOT NULL COMMENT 'Limit in basis points of the base price: 3000 is 30 percent',
    CONSTRAINT price_limits_pk PRIMARY KEY (market, valid_from),
    CONSTRAINT price_limits_bp_ck CHECK (limit_bp BETWEEN 1 AND 10000)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'How far a price may go from the base price within one day';

CREATE TABLE market_sessions (
    market VARCHAR(8) NOT NULL COMMENT 'Market code: KOSPI, KOSDAQ, KONEX',
    session VARCHAR(24) NOT NULL COMMENT 'Name of the session: regular, closing_auction, and so on',
    valid_from DATE NOT NULL COMMENT 'First business date of these hours',
    valid_to DATE NULL COMMENT 'Last business date of these hours; NULL for no end',
    opens_at TIME(0) NOT NULL COMMENT 'Opening time, KST, inclusive',
    closes_at TIME(0) NOT NULL COMMENT 'Closing time, KST, exclusive',
    matching VARCHAR(16) NOT NULL COMMENT 'How orders meet: place_order takes orders in continuous sessions only',
    CONSTRAINT market_sessions_pk PRIMARY KEY (market, session, valid_from),
    CONSTRAINT market_sessions_hours_ck CHECK (opens_at < closes_at),
    CONSTRAINT market_sessions_dates_ck CHECK (valid_to >= valid_from),
    CONSTRAINT market_sessions_matching_ck CHECK (matching IN ('continuous', 'auction', 'closing_price', 'block'))
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'Hours of the market in KST; a one-day exception is a row whose valid_from and valid_to are that day';

CREATE TABLE market_holidays (
    market VARCHAR(8) NOT NULL COMMENT 'Market code: KOSPI, KOSDAQ, KONEX',
    holiday DATE NOT NULL COMMENT 'The closed date',
    name VARCHAR(64) NOT NULL COMMENT 'Why it is closed',
    CONSTRAINT market_holidays_pk PRIMARY KEY (market, holiday)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'Weekdays on which the market is closed; Saturdays and Sundays are closed without a row';

CREATE TABLE tax_rates (
    market VARCHAR(8) NOT NULL COMMENT 'Market code: KOSPI, KOSDAQ, KONEX',
    settles_from DATE NOT NULL COMMENT 'First settlement date of the rate: the tax follows settlement, not trade date',
    sell_rate DECIMAL(9, 8) NOT NULL COMMENT 'Share of the gross value: 0.0015 is 0.15 percent; parts of a won are cut off',
    CONSTRAINT tax_rates_pk PRIMARY KEY (market, settles_from),
    CONSTRAINT tax_rates_rate_ck CHECK (sell_rate BETWEEN 0 AND 1)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'Tax on the gross value of a sale, transaction tax and rural special tax together, by settlement date';
