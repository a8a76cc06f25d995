-- What a user wants to hold, what a model foresees, and when to act on it.

CREATE TABLE portfolios (
    portfolio_id BIGINT NOT NULL AUTO_INCREMENT COMMENT 'Number of the portfolio',
    user_id BIGINT NOT NULL COMMENT 'Owner',
    account_id BIGINT NOT NULL COMMENT 'Account that holds it',
    name VARCHAR(64) NOT NULL COMMENT 'Name given by the user',
    band_bp INT NOT NULL DEFAULT 500 COMMENT 'How far a weight may drift before it is rebalanced, in basis points',
    status VARCHAR(16) NOT NULL DEFAULT 'active' COMMENT 'active or closed',
    created_at DATETIME(6) NOT NULL COMMENT 'When it was made, UTC',
    CONSTRAINT portfolios_pk PRIMARY KEY (portfolio_id),
    CONSTRAINT portfolios_user_fk FOREIGN KEY (user_id) REFERENCES users (user_id),
    CONSTRAINT portfolios_account_fk FOREIGN KEY (account_id) REFERENCES accounts (account_id),
    CONSTRAINT portfolios_band_ck CHECK (band_bp BETWEEN 0 AND 10000),
    CONSTRAINT portfolios_status_ck CHECK (status IN ('active', 'closed')),
    INDEX portfolios_user_ix (user_id),
    INDEX portfolios_account_ix (account_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'A set of target weights that a user keeps in one account';

CREATE TABLE portfolio_targets (
    portfolio_id BIGINT NOT NULL COMMENT 'The portfolio',
    symbol VARCHAR(6) NOT NULL COMMENT 'The issue',
    weight_bp INT NOT NULL COMMENT 'Target weight in basis points',
    CONSTRAINT portfolio_targets_pk PRIMARY KEY (portfolio_id, symbol),
    CONSTRAINT portfolio_targets_portfolio_fk FOREIGN KEY (portfolio_id) REFERENCES portfolios (portfolio_id),
    CONSTRAINT portfolio_targets_stock_fk FOREIGN KEY (symbol) REFERENCES stocks (symbol),
    CONSTRAINT portfolio_targets_weight_ck CHECK (weight_bp BETWEEN 1 AND 10000),
    INDEX portfolio_targets_symbol_ix (symbol)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'Target weight of one issue in a portfolio; what is left of 10000 is cash';

CREATE TABLE predictions (
    prediction_id BIGINT NOT NULL AUTO_INCREMENT COMMENT 'Number of the prediction',
    user_id BIGINT NOT NULL COMMENT 'User it was made for',
    symbol VARCHAR(6) NULL COMMENT 'The issue; may be missing in a quarantined row',
    model_version VARCHAR(32) NULL COMMENT 'Model and version that made it',
    side VARCHAR(4) NULL COMMENT 'buy or sell',
    confidence DECIMAL(5, 4) NULL COMMENT 'From 0 to 1',
    target_won BIGINT NULL COMMENT 'Price that the model expects',
    status VARCHAR(16) NOT NULL COMMENT 'valid, quarantined or expired',
    reason VARCHAR(200) NULL COMMENT 'Why it is quarantined',
    predicted_at DATETIME(6) NOT NULL COMMENT 'When the model made it, UTC',
    expires_at DATETIME(6) NULL COMMENT 'When it ends, UTC; NULL for no end',
    CONSTRAINT predictions_pk PRIMARY KEY (prediction_id),
    CONSTRAINT predictions_user_fk FOREIGN KEY (user_id) REFERENCES users (user_id),
    CONSTRAINT predictions_stock_fk FOREIGN KEY (symbol) REFERENCES stocks (symbol),
    CONSTRAINT predictions_side_ck CHECK (side IN ('buy', 'sell')),
    CONSTRAINT predictions_confidence_ck CHECK (confidence BETWEEN 0 AND 1),
    CONSTRAINT predictions_target_ck CHECK (target_won >= 1),
    CONSTRAINT predictions_status_ck CHECK (status IN ('valid', 'quarantined', 'expired')),
    CONSTRAINT predictions_gate_ck CHECK (
        status = 'quarantined'
        OR (symbol IS NOT NULL AND model_version IS NOT NULL AND side IS NOT NULL AND confidence IS NOT NULL)
    ),
    CONSTRAINT predictions_reason_ck CHECK (status <> 'quarantined' OR reason IS NOT NULL),
    INDEX predictions_user_ix (user_id),
    INDEX predictions_symbol_ix (symbol, predicted_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'What a model said about an issue for a user; a quarantined one never leads to an order';

CREATE TABLE conditions (
    condition_id BIGINT NOT NULL AUTO_INCREMENT COMMENT 'Number of the condition',
    user_id BIGINT NOT NULL COMMENT 'Owner',
    account_id BIGINT NOT NULL COMMENT 'Account that the order is for',
    symbol VARCHAR(6) NOT NULL COMMENT 'The issue',
    rule JSON NOT NULL COMMENT 'The rule as JSON: side, quantity, minimum confidence, price band',
    status VARCHAR(16) NOT NULL DEFAULT 'active' COMMENT 'active, paused, done or expired',
    expires_at DATETIME(6) NOT NULL COMMENT 'When it ends, UTC',
    created_at DATETIME(6) NOT NULL COMMENT 'When it was made, UTC',
    CONSTRAINT conditions_pk PRIMARY KEY (condition_id),
    CONSTRAINT conditions_user_fk FOREIGN KEY (user_id) REFERENCES users (user_id),
    CONSTRAINT conditions_account_fk FOREIGN KEY (account_id) REFERENCES accounts (account_id),
    CONSTRAINT conditions_stock_fk FOREIGN KEY (symbol) REFERENCES stocks (symbol),
    CONSTRAINT conditions_status_ck CHECK (status IN ('active', 'paused', 'done', 'expired')),
    CONSTRAINT conditions_expiry_ck CHECK (expires_at > created_at),
    INDEX conditions_user_ix (user_id),
    INDEX conditions_account_ix (account_id),
    INDEX conditions_symbol_ix (symbol, status)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'A rule of a user that places an order when it is met';
