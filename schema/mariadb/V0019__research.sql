-- What is found out and not traded: backtests, patterns in prices, recommendations, and the week of each user.

CREATE TABLE simulations (
    simulation_id BIGINT NOT NULL AUTO_INCREMENT COMMENT 'Number of the simulation',
    simulation_key VARCHAR(64) NOT NULL COMMENT 'SHA-256, in hex, of the parameters and of every trade and day: the same again is the same simulation',
    strategy VARCHAR(24) NOT NULL COMMENT 'mean_reversion',
    parameters JSON NOT NULL COMMENT 'What it was run with, as JSON',
    from_date DATE NOT NULL COMMENT 'First business date',
    until_date DATE NOT NULL COMMENT 'Last business date',
    issues INT NOT NULL COMMENT 'Issues that were looked at: each has its own part of the cash',
    start_won BIGINT NOT NULL COMMENT 'Cash at the start',
    end_won BIGINT NOT NULL COMMENT 'Cash and shares at the last close',
    total_return DECIMAL(20, 8) NOT NULL COMMENT 'end_won over start_won, less 1',
    sharpe_ratio DECIMAL(20, 8) NULL COMMENT 'Mean of the daily returns over their standard deviation, times the root of 252; NULL where nothing moved',
    max_drawdown DECIMAL(9, 8) NOT NULL COMMENT 'Deepest fall from a height before it, as a share of that height',
    trades INT NOT NULL COMMENT 'Positions that were bought and sold again',
    wins INT NOT NULL COMMENT 'Those of them that left something after commission and tax',
    win_rate DECIMAL(9, 8) NULL COMMENT 'wins over trades; NULL without a trade',
    held_at_end INT NOT NULL COMMENT 'Positions that were still held at the last close',
    fees_won BIGINT NOT NULL COMMENT 'Commission',
    tax_won BIGINT NOT NULL COMMENT 'Tax on sales',
    simulated_at DATETIME(6) NOT NULL DEFAULT (utc_timestamp(6)) COMMENT 'When it was stored, UTC',
    CONSTRAINT simulations_pk PRIMARY KEY (simulation_id),
    CONSTRAINT simulations_key_uq UNIQUE (simulation_key),
    CONSTRAINT simulations_strategy_ck CHECK (strategy IN ('mean_reversion')),
    CONSTRAINT simulations_dates_ck CHECK (until_date >= from_date),
    CONSTRAINT simulations_amounts_ck CHECK (
        issues >= 1 AND start_won >= 1 AND end_won >= 0 AND trades >= 0 AND wins BETWEEN 0 AND trades AND held_at_end >= 0
        AND fees_won >= 0 AND tax_won >= 0
    ),
    CONSTRAINT simulations_ratios_ck CHECK (
        max_drawdown BETWEEN 0 AND 1 AND coalesce(win_rate, 0) BETWEEN 0 AND 1 AND (trades = 0) = (win_rate IS NULL)
    )
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'A strategy tried on past prices, and what came of it; no order is ever placed';

CREATE TABLE simulation_trades (
    simulation_id BIGINT NOT NULL COMMENT 'The simulation',
    trade_no INT NOT NULL COMMENT 'Number within the simulation, from 1, by issue and date',
    symbol VARCHAR(6) NOT NULL COMMENT 'The issue',
    buy_signal_on DATE NOT NULL COMMENT 'Business date at whose close it was decided to buy',
    bought_on DATE NOT NULL COMMENT 'Business date at whose open it was bought',
    buy_won BIGINT NOT NULL COMMENT 'Price of one share, on the tick',
    quantity BIGINT NOT NULL COMMENT 'Shares',
    sell_signal_on DATE NULL COMMENT 'Business date at whose close it was decided to sell; NULL for not yet',
    sold_on DATE NULL COMMENT 'Business date at whose open it was sold; NULL where it was held at the end',
    sell_won BIGINT NULL COMMENT 'Price of one share, on the tick',
    reason VARCHAR(16) NULL COMMENT 'Why it was to be sold: mean, stop_loss or take_profit',
    fees_won BIGINT NOT NULL COMMENT 'Commission of both sides',
    tax_won BIGINT NOT NULL COMMENT 'Tax on the sale',
    profit_won BIGINT NULL COMMENT 'What it left after commission and tax; NULL where it was held at the end',
    CONSTRAINT simulation_trades_pk PRIMARY KEY (simulation_id, trade_no),
    CONSTRAINT simulation_trades_simulation_fk FOREIGN KEY (simulation_id) REFERENCES simulations (simulation_id),
    CONSTRAINT simulation_trades_stock_fk FOREIGN KEY (symbol) REFERENCES stocks (symbol),
    CONSTRAINT simulation_trades_buy_ck CHECK (bought_on > buy_signal_on AND buy_won >= 1 AND quantity >= 1 AND fees_won >= 0 AND tax_won >= 0),
    CONSTRAINT simulation_trades_sell_ck CHECK (
        (sold_on IS NULL AND sell_won IS NULL AND profit_won IS NULL AND tax_won = 0)
        OR (
            sold_on IS NOT NULL AND sell_signal_on IS NOT NULL AND sell_won IS NOT NULL AND profit_won IS NOT NULL AND reason IS NOT NULL
            AND sold_on > sell_signal_on AND sell_signal_on >= bought_on AND sell_won >= 1
        )
    ),
    CONSTRAINT simulation_trades_reason_ck CHECK (reason IN ('mean', 'stop_loss', 'take_profit')),
    INDEX simulation_trades_symbol_ix (symbol)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'A position of a simulation: a signal at one close, a trade at the next open';

CREATE TABLE simulation_days (
    simulation_id BIGINT NOT NULL COMMENT 'The simulation',
    price_date DATE NOT NULL COMMENT 'Business date',
    equity_won BIGINT NOT NULL COMMENT 'Cash, and shares at their last close',
    CONSTRAINT simulation_days_pk PRIMARY KEY (simulation_id, price_date),
    CONSTRAINT simulation_days_simulation_fk FOREIGN KEY (simulation_id) REFERENCES simulations (simulation_id),
    CONSTRAINT simulation_days_equity_ck CHECK (equity_won >= 0)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'What a simulation was worth at each close: its equity curve';

CREATE TABLE patterns (
    symbol VARCHAR(6) NOT NULL COMMENT 'The issue',
    price_date DATE NOT NULL COMMENT 'Business date at whose close it showed',
    kind VARCHAR(24) NOT NULL COMMENT 'Which pattern',
    strength DECIMAL(20, 4) NOT NULL COMMENT 'How far in percent: the averages apart, the close over the high, the open from the range before; a spike in multiples of the usual volume',
    CONSTRAINT patterns_pk PRIMARY KEY (symbol, price_date, kind),
    CONSTRAINT patterns_stock_fk FOREIGN KEY (symbol) REFERENCES stocks (symbol),
    CONSTRAINT patterns_kind_ck CHECK (kind IN (
        'golden_cross_20_50', 'dead_cross_20_50', 'golden_cross_50_200', 'dead_cross_50_200', 'breakout_20', 'volume_spike', 'gap_up', 'gap_down'
    )),
    CONSTRAINT patterns_strength_ck CHECK (strength >= 0),
    INDEX patterns_date_ix (price_date, kind)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'A pattern in the daily prices of an issue';

CREATE TABLE ai_recommendations (
    user_id BIGINT NOT NULL COMMENT 'The user',
    business_date DATE NOT NULL COMMENT 'Business date in KST',
    rank_no INT NOT NULL COMMENT 'Place in the list of the user and date, from 1',
    prediction_id BIGINT NOT NULL COMMENT 'Prediction that it follows from',
    symbol VARCHAR(6) NOT NULL COMMENT 'The issue: once in each list',
    side VARCHAR(4) NOT NULL COMMENT 'buy or sell',
    score DECIMAL(12, 4) NOT NULL COMMENT 'Expected gain in percent, times the confidence',
    reason VARCHAR(200) NOT NULL COMMENT 'Why, in words',
    recommended_at DATETIME(6) NOT NULL COMMENT 'When it was made by the market''s clock, UTC',
    CONSTRAINT ai_recommendations_pk PRIMARY KEY (user_id, business_date, rank_no),
    CONSTRAINT ai_recommendations_symbol_uq UNIQUE (symbol, user_id, business_date),
    CONSTRAINT ai_recommendations_user_fk FOREIGN KEY (user_id) REFERENCES users (user_id),
    CONSTRAINT ai_recommendations_prediction_fk FOREIGN KEY (prediction_id) REFERENCES predictions (prediction_id),
    CONSTRAINT ai_recommendations_stock_fk FOREIGN KEY (symbol) REFERENCES stocks (symbol),
    CONSTRAINT ai_recommendations_side_ck CHECK (side IN ('buy', 'sell')),
    CONSTRAINT ai_recommendations_rank_ck CHECK (rank_no >= 1),
    INDEX ai_recommendations_prediction_ix (prediction_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'What a user is advised on a business date, from valid predictions alone';

-- The prediction stays locked until the recommendation is committed: nobody quarantines it meanwhile.
CREATE TRIGGER ai_recommendations_gate_insert BEFORE INSERT ON ai_recommendations FOR EACH ROW
BEGIN
    DECLARE v_status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
    DECLARE v_message VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
    SET v_status = (SELECT p.status FROM predictions AS p WHERE p.prediction_id = NEW.prediction_id LOCK IN SHARE MODE);
    IF v_status = 'quarantined' THEN
        SET v_message = concat('prediction ', NEW.prediction_id, ' is quarantined: nobody is advised by it');
        SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = v_message;
    END IF;
END;
CREATE TRIGGER ai_recommendations_gate_update BEFORE UPDATE ON ai_recommendations FOR EACH ROW
BEGIN
    DECLARE v_status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
    DECLARE v_message VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
    SET v_status = (SELECT p.status FROM predictions AS p WHERE p.prediction_id = NEW.prediction_id LOCK IN SHARE MODE);
    IF v_status = 'quarantined' THEN
        SET v_message = concat('prediction ', NEW.prediction_id, ' is quarantined: nobody is advised by it');
        SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = v_message;
    END IF;
END;
CREATE TRIGGER predictions_withdraw AFTER UPDATE ON predictions FOR EACH ROW
BEGIN
    IF NEW.status = 'quarantined' AND OLD.status <> 'quarantined' THEN
        DELETE FROM ai_recommendations WHERE prediction_id = NEW.prediction_id;
    END IF;
END;

CREATE TABLE weekly_reports (
    user_id BIGINT NOT NULL COMMENT 'The user',
    iso_week VARCHAR(8) NOT NULL COMMENT 'Week by ISO 8601: 2025-W01',
    first_date DATE NOT NULL COMMENT 'Monday of the week',
    through_date DATE NOT NULL COMMENT 'Last date that was looked at: before the Sunday where the week was not over',
    body JSON NOT NULL COMMENT 'The report as JSON',
    reported_at DATETIME(6) NOT NULL DEFAULT (utc_timestamp(6)) COMMENT 'When this text of it was stored, UTC',
    CONSTRAINT weekly_reports_pk PRIMARY KEY (user_id, iso_week),
    CONSTRAINT weekly_reports_user_fk FOREIGN KEY (user_id) REFERENCES users (user_id),
    CONSTRAINT weekly_reports_week_ck CHECK (iso_week REGEXP '^[0-9]{4}-W[0-9]{2}$'),
    CONSTRAINT weekly_reports_dates_ck CHECK (through_date BETWEEN first_date AND first_date + INTERVAL 6 DAY)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'What a user did in a week, and what came of it: the figures agree with the journal';
