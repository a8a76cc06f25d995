-- What a condition asks for, in columns that can be joined; and one order for each condition and prediction.

ALTER TABLE conditions
    DROP CONSTRAINT conditions_status_ck,
    MODIFY COLUMN status VARCHAR(16) NOT NULL DEFAULT 'active' COMMENT 'active, paused, done, expired or cancelled',
    ADD COLUMN executed_at DATETIME(6) NULL COMMENT 'When it last placed an order, by the market''s clock, UTC',
    ADD COLUMN executions INT NOT NULL DEFAULT 0 COMMENT 'How many orders it has placed',
    ADD COLUMN side VARCHAR(4) GENERATED ALWAYS AS (json_value(rule, '$.side')) STORED COMMENT 'From the rule: buy or sell',
    ADD COLUMN quantity BIGINT GENERATED ALWAYS AS (json_value(rule, '$.quantity')) STORED COMMENT 'From the rule: shares of each order; NULL where it names an amount',
    ADD COLUMN amount_won BIGINT GENERATED ALWAYS AS (json_value(rule, '$.amount_won')) STORED COMMENT 'From the rule: what each order may come to; NULL where it names a quantity',
    ADD COLUMN min_confidence DECIMAL(5, 4) GENERATED ALWAYS AS (json_value(rule, '$.min_confidence')) STORED COMMENT 'From the rule: the least confidence of a prediction that meets it',
    ADD COLUMN model_version VARCHAR(32) GENERATED ALWAYS AS (json_value(rule, '$.model_version')) STORED COMMENT 'From the rule: the model whose predictions meet it',
    ADD COLUMN from_won BIGINT GENERATED ALWAYS AS (json_value(rule, '$.price_band.from_won')) STORED COMMENT 'From the rule: the lowest last price at which it is met',
    ADD COLUMN to_won BIGINT GENERATED ALWAYS AS (json_value(rule, '$.price_band.to_won')) STORED COMMENT 'From the rule: the highest last price at which it is met',
    ADD COLUMN price_band_bp INT GENERATED ALWAYS AS (json_value(rule, '$.price_band_bp')) STORED COMMENT 'From the rule: how far from the last price the order''s limit lies, in basis points',
    ADD COLUMN cool_down_s INT GENERATED ALWAYS AS (json_value(rule, '$.cool_down_s')) STORED COMMENT 'From the rule: seconds until it may be met again; NULL for once only',
    ADD CONSTRAINT conditions_status_ck CHECK (status IN ('active', 'paused', 'done', 'expired', 'cancelled')),
    ADD CONSTRAINT conditions_side_ck CHECK (coalesce(side, '') IN ('buy', 'sell')),
    ADD CONSTRAINT conditions_size_ck CHECK (
        (quantity IS NULL) <> (amount_won IS NULL) AND coalesce(quantity, 1) >= 1 AND coalesce(amount_won, 1) >= 1
    ),
    ADD CONSTRAINT conditions_trigger_ck CHECK (
        min_confidence IS NOT NULL OR model_version IS NOT NULL OR from_won IS NOT NULL OR to_won IS NOT NULL
    ),
    ADD CONSTRAINT conditions_band_ck CHECK (
        coalesce(min_confidence, 0.5) BETWEEN 0.5 AND 1 AND coalesce(from_won, 1) >= 1 AND coalesce(to_won, 1) >= 1
        AND coalesce(from_won, 1) <= coalesce(to_won, from_won, 1) AND coalesce(price_band_bp, 0) BETWEEN 0 AND 10000
        AND coalesce(cool_down_s, 0) >= 0
    ),
    ADD CONSTRAINT conditions_executions_ck CHECK (executions >= 0 AND (executions = 0) = (executed_at IS NULL));

-- One order for each condition and prediction, whoever asks for it and however often.
ALTER TABLE orders
    DROP INDEX orders_condition_ix,
    ADD CONSTRAINT orders_condition_uq UNIQUE (condition_id, prediction_id);
