-- How much of a portfolio is cash, and each rebalancing as it was planned, so that one that was cut short is ended as it began.

ALTER TABLE portfolios
    ADD COLUMN cash_bp INT NOT NULL DEFAULT 0 COMMENT 'Target weight of cash in basis points: with the weights of the issues it comes to 10000',
    ADD CONSTRAINT portfolios_cash_ck CHECK (cash_bp BETWEEN 0 AND 10000);
ALTER TABLE portfolio_targets COMMENT = 'Target weight of one issue in a portfolio; with portfolios.cash_bp they come to 10000';
UPDATE portfolios AS f
JOIN (SELECT n.portfolio_id, sum(n.weight_bp) AS weight_bp FROM portfolio_targets AS n GROUP BY n.portfolio_id) AS t
    ON t.portfolio_id = f.portfolio_id
SET f.cash_bp = 10000 - t.weight_bp
WHERE t.weight_bp < 10000;

CREATE TABLE rebalances (
    rebalance_id BIGINT NOT NULL AUTO_INCREMENT COMMENT 'Number of the rebalancing',
    portfolio_id BIGINT NOT NULL COMMENT 'The portfolio',
    account_id BIGINT NOT NULL COMMENT 'Account that its orders are for',
    business_date DATE NOT NULL COMMENT 'Business date in KST of its orders: none is placed later',
    band_bp INT NOT NULL COMMENT 'How far a weight was allowed to drift, in basis points',
    minimum_won BIGINT NOT NULL COMMENT 'Trades below this were left out',
    value_won BIGINT NOT NULL COMMENT 'Cash and shares of the account when it was planned',
    status VARCHAR(16) NOT NULL DEFAULT 'open' COMMENT 'open (its orders are being placed) or done',
    open_portfolio_id BIGINT GENERATED ALWAYS AS (CASE WHEN status = 'open' THEN portfolio_id END) STORED COMMENT 'The portfolio while it is open, else NULL: what allows only one',
    started_at DATETIME(6) NOT NULL COMMENT 'When it was planned by the market''s clock, UTC',
    finished_at DATETIME(6) NULL COMMENT 'When its last order was answered by the market''s clock, UTC',
    CONSTRAINT rebalances_pk PRIMARY KEY (rebalance_id),
    CONSTRAINT rebalances_open_uq UNIQUE (open_portfolio_id),
    CONSTRAINT rebalances_portfolio_fk FOREIGN KEY (portfolio_id) REFERENCES portfolios (portfolio_id),
    CONSTRAINT rebalances_account_fk FOREIGN KEY (account_id) REFERENCES accounts (account_id),
    CONSTRAINT rebalances_amounts_ck CHECK (band_bp BETWEEN 0 AND 10000 AND minimum_won >= 0 AND value_won >= 1),
    CONSTRAINT rebalances_status_ck CHECK ((status = 'open' AND finished_at IS NULL) OR (status = 'done' AND finished_at IS NOT NULL)),
    INDEX rebalances_portfolio_ix (portfolio_id),
    INDEX rebalances_account_ix (account_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'A portfolio was led back to its targets; one at a time for each';

CREATE TABLE rebalance_lines (
    rebalance_id BIGINT NOT NULL COMMENT 'The rebalancing',
    line_no INT NOT NULL COMMENT 'Place in the order of placing, from 1: sells before buys',
    symbol VARCHAR(6) NOT NULL COMMENT 'The issue',
    target_bp INT NOT NULL COMMENT 'Target weight in basis points',
    weight_bp INT NULL COMMENT 'Weight when it was planned, in basis points; NULL without a price',
    expected_bp INT NULL COMMENT 'Weight that the plan leads to, in basis points; NULL without a price',
    price_won BIGINT NULL COMMENT 'Last price when it was planned; NULL for none',
    side VARCHAR(4) NULL COMMENT 'buy or sell; NULL where nothing is traded',
    quantity BIGINT NOT NULL COMMENT 'Shares of the order; 0 for none',
    limit_won BIGINT NULL COMMENT 'Limit price of the order',
    reason VARCHAR(200) NULL COMMENT 'Why less than the target is traded',
    CONSTRAINT rebalance_lines_pk PRIMARY KEY (rebalance_id, line_no),
    CONSTRAINT rebalance_lines_symbol_uq UNIQUE (symbol, rebalance_id),
    CONSTRAINT rebalance_lines_rebalance_fk FOREIGN KEY (rebalance_id) REFERENCES rebalances (rebalance_id),
    CONSTRAINT rebalance_lines_stock_fk FOREIGN KEY (symbol) REFERENCES stocks (symbol),
    CONSTRAINT rebalance_lines_side_ck CHECK (side IN ('buy', 'sell')),
    CONSTRAINT rebalance_lines_order_ck CHECK (
        (side IS NULL AND quantity = 0 AND limit_won IS NULL)
        OR (side IS NOT NULL AND quantity >= 1 AND limit_won IS NOT NULL AND limit_won >= 1)
    )
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'What a rebalancing planned for one issue; its order has the key rebalance-<rebalance_id>-<line_no>';
