-- The gate of predictions as a key: no order can name a quarantined one, and no order without a prediction is asked about it.

-- Asked first: what is finished here stays, and an order of another issue than its prediction would stop this file half way.
BEGIN NOT ATOMIC
    DECLARE wrong_order BIGINT DEFAULT (
        SELECT min(o.order_id) FROM orders AS o
        JOIN predictions AS p ON p.prediction_id = o.prediction_id
        WHERE p.symbol <> o.symbol OR p.symbol IS NULL OR p.status = 'quarantined'
    );
    DECLARE said VARCHAR(512) DEFAULT concat('order ', wrong_order, ' names a prediction of another issue, or a quarantined one: give it another prediction_id, or NULL');
    IF wrong_order IS NOT NULL THEN
        SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = said;
    END IF;
END;

-- A trigger of orders was run by every order, whether it had a prediction or not. A quarantined prediction has no
-- orderable_symbol, so the key finds none; while an order names it, the key lets it have no other one.
ALTER TABLE predictions
    ADD COLUMN orderable_symbol VARCHAR(6) GENERATED ALWAYS AS (CASE WHEN status <> 'quarantined' THEN symbol END) STORED COMMENT 'The issue that orders may follow from it for; NULL where it is quarantined: no order can name it then',
    ADD CONSTRAINT predictions_orderable_uq UNIQUE (prediction_id, orderable_symbol);

ALTER TABLE orders
    DROP FOREIGN KEY orders_prediction_fk;
ALTER TABLE orders
    DROP INDEX orders_prediction_ix,
    ADD INDEX orders_prediction_ix (prediction_id, symbol),
    ADD CONSTRAINT orders_of_no_quarantined_prediction_fk FOREIGN KEY (prediction_id, symbol) REFERENCES predictions (prediction_id, orderable_symbol);
DROP TRIGGER orders_prediction_gate_insert;
DROP TRIGGER orders_prediction_gate_update;
