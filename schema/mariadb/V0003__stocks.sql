-- What is traded, how much of it the house holds, and what it cost day by day.
-- no foreign key: stock_prices.symbol -> stocks (partitioned tables cannot have them); books invariant "orphans" holds it

CREATE TABLE stocks (
    symbol VARCHAR(6) NOT NULL COMMENT 'Short code of six characters: text, never a number',
    isin VARCHAR(12) NOT NULL COMMENT 'ISIN with its check digit',
    name VARCHAR(64) NOT NULL COMMENT 'Short name as of the listing date; names change, codes stay',
    market VARCHAR(8) NOT NULL COMMENT 'Market code: KOSPI, KOSDAQ, KONEX',
    kind VARCHAR(16) NOT NULL COMMENT 'common, preferred, reit or fund',
    status VARCHAR(16) NOT NULL DEFAULT 'listed' COMMENT 'listed, halted or delisted: only a listed issue takes orders',
    listed_shares BIGINT NOT NULL COMMENT 'Number of shares listed: what customers hold and the house inventory add up to it',
    origin VARCHAR(16) NOT NULL COMMENT 'Where the row came from: krx, file, sample, or synthetic for an issue that does not exist',
    CONSTRAINT stocks_pk PRIMARY KEY (symbol),
    CONSTRAINT stocks_isin_uq UNIQUE (isin),
    CONSTRAINT stocks_symbol_ck CHECK (symbol REGEXP '^[0-9][0-9A-Z]{5}$'),
    CONSTRAINT stocks_isin_ck CHECK (isin REGEXP '^[A-Z]{2}[0-9A-Z]{9}[0-9]$'),
    CONSTRAINT stocks_name_ck CHECK (name <> ''),
    CONSTRAINT stocks_market_ck CHECK (market IN ('KOSPI', 'KOSDAQ', 'KONEX')),
    CONSTRAINT stocks_kind_ck CHECK (kind IN ('common', 'preferred', 'reit', 'fund')),
    CONSTRAINT stocks_status_ck CHECK (status IN ('listed', 'halted', 'delisted')),
    CONSTRAINT stocks_shares_ck CHECK (listed_shares >= 1),
    CONSTRAINT stocks_origin_ck CHECK (origin IN ('krx', 'file', 'sample', 'synthetic'))
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'An issue of the exchange';

CREATE TABLE stock_inventory (
    symbol VARCHAR(6) NOT NULL COMMENT 'The issue',
    available_shares BIGINT NOT NULL COMMENT 'Shares that the house still holds',
    last_won BIGINT NOT NULL COMMENT 'Price of the last trade; the base price before the first one',
    quote_date DATE NOT NULL COMMENT 'Business date that the prices of this row are for; orders for an earlier date are refused',
    base_won BIGINT NOT NULL COMMENT 'Base price of the day: the previous close',
    lower_won BIGINT NOT NULL COMMENT 'Lowest price of the day, on the tick',
    upper_won BIGINT NOT NULL COMMENT 'Highest price of the day, on the tick',
    settles_on DATE NOT NULL COMMENT 'Settlement date of a trade on quote_date: the second business day after it',
    sell_tax_rate DECIMAL(9, 8) NOT NULL COMMENT 'Tax rate in force on settles_on',
    opens_at TIME NULL COMMENT 'When continuous trading opens on quote_date, Korean time; NULL where market_sessions has to be asked',
    closes_at TIME NULL COMMENT 'When continuous trading closes on quote_date, Korean time; NULL with opens_at',
    CONSTRAINT stock_inventory_pk PRIMARY KEY (symbol),
    CONSTRAINT stock_inventory_stock_fk FOREIGN KEY (symbol) REFERENCES stocks (symbol),
    CONSTRAINT stock_inventory_shares_ck CHECK (available_shares >= 0),
    CONSTRAINT stock_inventory_price_ck CHECK (lower_won >= 1 AND lower_won <= base_won AND base_won <= upper_won),
    CONSTRAINT stock_inventory_last_ck CHECK (last_won >= 1),
    CONSTRAINT stock_inventory_settles_ck CHECK (settles_on > quote_date)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'What the house holds of each issue, and the issue''s trading day: the row that place_order locks first';

CREATE TABLE stock_prices (
    symbol VARCHAR(6) NOT NULL COMMENT 'The issue',
    price_date DATE NOT NULL COMMENT 'Business date',
    open_won BIGINT NOT NULL COMMENT 'Opening price; 0 on a day without a trade',
    high_won BIGINT NOT NULL COMMENT 'Highest price; 0 on a day without a trade',
    low_won BIGINT NOT NULL COMMENT 'Lowest price; 0 on a day without a trade',
    close_won BIGINT NOT NULL COMMENT 'Closing price; carried over on a day without a trade; may lie off the tick',
    volume BIGINT NOT NULL COMMENT 'Shares traded',
    value_won BIGINT NOT NULL COMMENT 'Value traded',
    CONSTRAINT stock_prices_pk PRIMARY KEY (symbol, price_date),
    CONSTRAINT stock_prices_close_ck CHECK (close_won >= 1),
    CONSTRAINT stock_prices_range_ck CHECK (
        (volume = 0 AND open_won = 0 AND high_won = 0 AND low_won = 0)
        OR (volume > 0 AND low_won >= 1 AND low_won <= open_won AND open_won <= high_won
            AND low_won <= close_won AND close_won <= high_won)
    ),
    CONSTRAINT stock_prices_value_ck CHECK (value_won >= 0)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'Daily prices, raw, one row for an issue and a business date'
PARTITION BY RANGE COLUMNS (price_date) (
    PARTITION p_before VALUES LESS THAN ('2024-01-01'),
    PARTITION p_2024h1 VALUES LESS THAN ('2024-07-01'),
    PARTITION p_2024h2 VALUES LESS THAN ('2025-01-01'),
    PARTITION p_2025h1 VALUES LESS THAN ('2025-07-01'),
    PARTITION p_2025h2 VALUES LESS THAN ('2026-01-01'),
    PARTITION p_2026h1 VALUES LESS THAN ('2026-07-01'),
    PARTITION p_2026h2 VALUES LESS THAN ('2027-01-01'),
    PARTITION p_after VALUES LESS THAN (MAXVALUE)
);
