-- The gate of predictions as a key: no order can name a quarantined one, and no order without a prediction is asked about it.

-- The key would refuse such an order, too, and not say what to do with it.
DO $$
DECLARE
    wrong_order bigint := (
        SELECT min(o.order_id) FROM orders AS o
        JOIN predictions AS p ON p.prediction_id = o.prediction_id
        WHERE p.symbol <> o.symbol OR p.symbol IS NULL OR p.status = 'quarantined'
    );
BEGIN
    IF wrong_order IS NOT NULL THEN
        RAISE EXCEPTION 'order % names a prediction of another issue, or a quarantined one: give it another prediction_id, or NULL', wrong_order;
    END IF;
END
$$;

-- A trigger of orders was looked at by every order, whether it had a prediction or not. A quarantined prediction has no
-- orderable_symbol, so the key finds none; while an order names it, the key lets it have no other one.
ALTER TABLE predictions
    ADD COLUMN orderable_symbol varchar(6) COLLATE "C" GENERATED ALWAYS AS (CASE WHEN status <> 'quarantined' THEN symbol END) STORED NULL;
COMMENT ON COLUMN predictions.orderable_symbol IS 'The issue that orders may follow from it for; NULL where it is quarantined: no order can name it then';
ALTER TABLE predictions ADD CONSTRAINT predictions_orderable_uq UNIQUE (prediction_id, orderable_symbol);

ALTER TABLE orders DROP CONSTRAINT orders_prediction_fk;
DROP INDEX orders_prediction_ix;
CREATE INDEX orders_prediction_ix ON orders (prediction_id, symbol) WHERE prediction_id IS NOT NULL;
ALTER TABLE orders ADD CONSTRAINT orders_of_no_quarantined_prediction_fk
    FOREIGN KEY (prediction_id, symbol) REFERENCES predictions (prediction_id, orderable_symbol);
DROP TRIGGER orders_prediction_gate ON orders;
DROP FUNCTION refuse_quarantined();
