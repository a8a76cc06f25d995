-- What is traded, how much of it the house holds, and what it cost day by day.

CREATE TABLE stocks (
    symbol varchar(6) COLLATE "C" NOT NULL,
    isin varchar(12) COLLATE "C" NOT NULL,
    name varchar(64) COLLATE "C" NOT NULL,
    market varchar(8) COLLATE "C" NOT NULL,
    kind varchar(16) COLLATE "C" NOT NULL,
    status varchar(16) COLLATE "C" NOT NULL DEFAULT 'listed',
    listed_shares bigint NOT NULL,
    origin varchar(16) COLLATE "C" NOT NULL,
    CONSTRAINT stocks_pk PRIMARY KEY (symbol),
    CONSTRAINT stocks_isin_uq UNIQUE (isin),
    CONSTRAINT stocks_symbol_ck CHECK (symbol ~ '^[0-9][0-9A-Z]{5}$'),
    CONSTRAINT stocks_isin_ck CHECK (isin ~ '^[A-Z]{2}[0-9A-Z]{9}[0-9]$'),
    CONSTRAINT stocks_name_ck CHECK (name <> ''),
    CONSTRAINT stocks_market_ck CHECK (market IN ('KOSPI', 'KOSDAQ', 'KONEX')),
    CONSTRAINT stocks_kind_ck CHECK (kind IN ('common', 'preferred', 'reit', 'fund')),
    CONSTRAINT stocks_status_ck CHECK (status IN ('listed', 'halted', 'delisted')),
    CONSTRAINT stocks_shares_ck CHECK (listed_shares >= 1),
    CONSTRAINT stocks_origin_ck CHECK (origin IN ('krx', 'file', 'sample', 'synthetic'))
);
COMMENT ON TABLE stocks IS 'An issue of the exchange';
COMMENT ON COLUMN stocks.symbol IS 'Short code of six characters: text, never a number';
COMMENT ON COLUMN stocks.isin IS 'ISIN with its check digit';
COMMENT ON COLUMN stocks.name IS 'Short name as of the listing date; names change, codes stay';
COMMENT ON COLUMN stocks.market IS 'Market code: KOSPI, KOSDAQ, KONEX';
COMMENT ON COLUMN stocks.kind IS 'common, preferred, reit or fund';
COMMENT ON COLUMN stocks.status IS 'listed, halted or delisted: only a listed issue takes orders';
COMMENT ON COLUMN stocks.listed_shares IS 'Number of shares listed: what customers hold and the house inventory add up to it';
COMMENT ON COLUMN stocks.origin IS 'Where the row came from: krx, file, sample, or synthetic for an issue that does not exist';

CREATE TABLE stock_inventory (
    symbol varchar(6) COLLATE "C" NOT NULL,
    available_shares unsigned_bigint NOT NULL,
    last_won positive_bigint NOT NULL,
    quote_date date NOT NULL,
    base_won bigint NOT NULL,
    lower_won positive_bigint NOT NULL,
    upper_won bigint NOT NULL,
    settles_on date NOT NULL,
    sell_tax_rate numeric(9, 8) NOT NULL,
    opens_at time(0) NULL,
    closes_at time(0) NULL,
    CONSTRAINT stock_inventory_pk PRIMARY KEY (symbol),
    CONSTRAINT stock_inventory_stock_fk FOREIGN KEY (symbol) REFERENCES stocks (symbol),
    CONSTRAINT stock_inventory_price_ck CHECK (lower_won <= base_won AND base_won <= upper_won),
    CONSTRAINT stock_inventory_settles_ck CHECK (settles_on > quote_date)
) WITH (fillfactor = 50);
COMMENT ON TABLE stock_inventory IS 'What the house holds of each issue, and the issue''s trading day: the row that place_order locks first';
COMMENT ON COLUMN stock_inventory.symbol IS 'The issue';
COMMENT ON COLUMN stock_inventory.available_shares IS 'Shares that the house still holds';
COMMENT ON COLUMN stock_inventory.last_won IS 'Price of the last trade; the base price before the first one';
COMMENT ON COLUMN stock_inventory.quote_date IS 'Business date that the prices of this row are for; orders for an earlier date are refused';
COMMENT ON COLUMN stock_inventory.base_won IS 'Base price of the day: the previous close';
COMMENT ON COLUMN stock_inventory.lower_won IS 'Lowest price of the day, on the tick';
COMMENT ON COLUMN stock_inventory.upper_won IS 'Highest price of the day, on the tick';
COMMENT ON COLUMN stock_inventory.settles_on IS 'Settlement date of a trade on quote_date: the second business day after it';
COMMENT ON COLUMN stock_inventory.sell_tax_rate IS 'Tax rate in force on settles_on';
COMMENT ON COLUMN stock_inventory.opens_at IS 'When continuous trading opens on quote_date, Korean time; NULL where market_sessions has to be asked';
COMMENT ON COLUMN stock_inventory.closes_at IS 'When continuous trading closes on quote_date, Korean time; NULL with opens_at';

CREATE TABLE stock_prices (
    symbol varchar(6) COLLATE "C" NOT NULL,
    price_date date NOT NULL,
    open_won bigint NOT NULL,
    high_won bigint NOT NULL,
    low_won bigint NOT NULL,
    close_won bigint NOT NULL,
    volume bigint NOT NULL,
    value_won bigint NOT NULL,
    CONSTRAINT stock_prices_pk PRIMARY KEY (symbol, price_date),
    CONSTRAINT stock_prices_stock_fk FOREIGN KEY (symbol) REFERENCES stocks (symbol),
    CONSTRAINT stock_prices_close_ck CHECK (close_won >= 1),
    CONSTRAINT stock_prices_range_ck CHECK (
        (volume = 0 AND open_won = 0 AND high_won = 0 AND low_won = 0)
        OR (volume > 0 AND low_won >= 1 AND low_won <= open_won AND open_won <= high_won
            AND low_won <= close_won AND close_won <= high_won)
    ),
    CONSTRAINT stock_prices_value_ck CHECK (value_won >= 0)
) PARTITION BY RANGE (price_date);
CREATE TABLE stock_prices_before PARTITION OF stock_prices FOR VALUES FROM (MINVALUE) TO ('2024-01-01');
CREATE TABLE stock_prices_2024h1 PARTITION OF stock_prices FOR VALUES FROM ('2024-01-01') TO ('2024-07-01');
CREATE TABLE stock_prices_2024h2 PARTITION OF stock_prices FOR VALUES FROM ('2024-07-01') TO ('2025-01-01');
CREATE TABLE stock_prices_2025h1 PARTITION OF stock_prices FOR VALUES FROM ('2025-01-01') TO ('2025-07-01');
CREATE TABLE stock_prices_2025h2 PARTITION OF stock_prices FOR VALUES FROM ('2025-07-01') TO ('2026-01-01');
CREATE TABLE stock_prices_2026h1 PARTITION OF stock_prices FOR VALUES FROM ('2026-01-01') TO ('2026-07-01');
CREATE TABLE stock_prices_2026h2 PARTITION OF stock_prices FOR VALUES FROM ('2026-07-01') TO ('2027-01-01');
CREATE TABLE stock_prices_after PARTITION OF stock_prices FOR VALUES FROM ('2027-01-01') TO (MAXVALUE);
COMMENT ON TABLE stock_prices IS 'Daily prices, raw, one row for an issue and a business date';
COMMENT ON COLUMN stock_prices.symbol IS 'The issue';
COMMENT ON COLUMN stock_prices.price_date IS 'Business date';
COMMENT ON COLUMN stock_prices.open_won IS 'Opening price; 0 on a day without a trade';
COMMENT ON COLUMN stock_prices.high_won IS 'Highest price; 0 on a day without a trade';
COMMENT ON COLUMN stock_prices.low_won IS 'Lowest price; 0 on a day without a trade';
COMMENT ON COLUMN stock_prices.close_won IS 'Closing price; carried over on a day without a trade; may lie off the tick';
COMMENT ON COLUMN stock_prices.volume IS 'Shares traded';
COMMENT ON COLUMN stock_prices.value_won IS 'Value traded';
