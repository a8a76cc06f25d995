-- What a condition asks for, in columns that can be joined; and one order for each condition and prediction.

ALTER TABLE conditions
    ADD COLUMN executed_at timestamp(6) with time zone NULL,
    ADD COLUMN executions integer NOT NULL DEFAULT 0,
    ADD COLUMN side varchar(4) COLLATE "C" GENERATED ALWAYS AS (rule ->> 'side') STORED,
    ADD COLUMN quantity bigint GENERATED ALWAYS AS ((rule ->> 'quantity')::bigint) STORED,
    ADD COLUMN amount_won bigint GENERATED ALWAYS AS ((rule ->> 'amount_won')::bigint) STORED,
    ADD COLUMN min_confidence numeric(5, 4) GENERATED ALWAYS AS ((rule ->> 'min_confidence')::numeric(5, 4)) STORED,
    ADD COLUMN model_version varchar(32) COLLATE "C" GENERATED ALWAYS AS (rule ->> 'model_version') STORED,
    ADD COLUMN from_won bigint GENERATED ALWAYS AS ((rule #>> '{price_band,from_won}')::bigint) STORED,
    ADD COLUMN to_won bigint GENERATED ALWAYS AS ((rule #>> '{price_band,to_won}')::bigint) STORED,
    ADD COLUMN price_band_bp integer GENERATED ALWAYS AS ((rule ->> 'price_band_bp')::integer) STORED,
    ADD COLUMN cool_down_s integer GENERATED ALWAYS AS ((rule ->> 'cool_down_s')::integer) STORED;
ALTER TABLE conditions
    DROP CONSTRAINT conditions_status_ck,
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
COMMENT ON COLUMN conditions.status IS 'active, paused, done, expired or cancelled';
COMMENT ON COLUMN conditions.executed_at IS 'When it last placed an order, by the market''s clock, UTC';
COMMENT ON COLUMN conditions.executions IS 'How many orders it has placed';
COMMENT ON COLUMN conditions.side IS 'From the rule: buy or sell';
COMMENT ON COLUMN conditions.quantity IS 'From the rule: shares of each order; NULL where it names an amount';
COMMENT ON COLUMN conditions.amount_won IS 'From the rule: what each order may come to; NULL where it names a quantity';
COMMENT ON COLUMN conditions.min_confidence IS 'From the rule: the least confidence of a prediction that meets it';
COMMENT ON COLUMN conditions.model_version IS 'From the rule: the model whose predictions meet it';
COMMENT ON COLUMN conditions.from_won IS 'From the rule: the lowest last price at which it is met';
COMMENT ON COLUMN conditions.to_won IS 'From the rule: the highest last price at which it is met';
COMMENT ON COLUMN conditions.price_band_bp IS 'From the rule: how far from the last price the order''s limit lies, in basis points';
COMMENT ON COLUMN conditions.cool_down_s IS 'From the rule: seconds until it may be met again; NULL for once only';

-- One order for each condition and prediction, whoever asks for it and however often.
DROP INDEX orders_condition_ix;
CREATE UNIQUE INDEX orders_condition_uq ON orders (condition_id, prediction_id) WHERE condition_id IS NOT NULL;
