-- Which models are known, one key for each prediction, and the gate: no order follows from a quarantined one.

CREATE TABLE models (
    model_version VARCHAR(32) NOT NULL COMMENT 'Model and version, as its predictions name it',
    status VARCHAR(16) NOT NULL DEFAULT 'active' COMMENT 'active or retired: what a retired one says is quarantined',
    registered_at DATETIME(6) NOT NULL DEFAULT (utc_timestamp(6)) COMMENT 'When it was made known, UTC',
    CONSTRAINT models_pk PRIMARY KEY (model_version),
    CONSTRAINT models_status_ck CHECK (status IN ('active', 'retired'))
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'A model whose predictions are taken: a row that a DBA adds before its first one';
INSERT INTO models (model_version)
SELECT 'sample-1' UNION SELECT p.model_version FROM predictions AS p WHERE p.model_version IS NOT NULL;

ALTER TABLE predictions
    ADD COLUMN prediction_key VARCHAR(64) NULL COMMENT 'SHA-256 of what was loaded, in hex: the same row again is the same prediction; NULL where it was not loaded',
    ADD CONSTRAINT predictions_key_uq UNIQUE (prediction_key),
    ADD INDEX predictions_model_ix (model_version),
    ADD INDEX predictions_match_ix (symbol, side, status, confidence),
    ADD CONSTRAINT predictions_model_fk FOREIGN KEY (model_version) REFERENCES models (model_version),
    ADD CONSTRAINT predictions_trusted_ck CHECK (status = 'quarantined' OR confidence >= 0.5);

ALTER TABLE notifications
    ADD COLUMN prediction_id BIGINT NULL COMMENT 'Prediction it is about, if there is one',
    ADD INDEX notifications_prediction_ix (prediction_id),
    ADD CONSTRAINT notifications_prediction_fk FOREIGN KEY (prediction_id) REFERENCES predictions (prediction_id);

-- The prediction stays locked until the order is committed: nobody quarantines it meanwhile.
CREATE TRIGGER orders_prediction_gate_insert BEFORE INSERT ON orders FOR EACH ROW
BEGIN
    DECLARE v_status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
    DECLARE v_message VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
    IF NEW.prediction_id IS NOT NULL THEN
        SET v_status = (SELECT p.status FROM predictions AS p WHERE p.prediction_id = NEW.prediction_id LOCK IN SHARE MODE);
        IF v_status = 'quarantined' THEN
            SET v_message = concat('prediction ', NEW.prediction_id, ' is quarantined: no order follows from it');
            SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = v_message;
        END IF;
    END IF;
END;
CREATE TRIGGER orders_prediction_gate_update BEFORE UPDATE ON orders FOR EACH ROW
BEGIN
    DECLARE v_status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
    DECLARE v_message VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
    IF NEW.prediction_id <> OLD.prediction_id OR (NEW.prediction_id IS NOT NULL AND OLD.prediction_id IS NULL) THEN
        SET v_status = (SELECT p.status FROM predictions AS p WHERE p.prediction_id = NEW.prediction_id LOCK IN SHARE MODE);
        IF v_status = 'quarantined' THEN
            SET v_message = concat('prediction ', NEW.prediction_id, ' is quarantined: no order follows from it');
            SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = v_message;
        END IF;
    END IF;
END;
CREATE TRIGGER predictions_quarantine BEFORE UPDATE ON predictions FOR EACH ROW
BEGIN
    DECLARE v_message VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
    IF OLD.status = 'quarantined' AND NEW.status <> 'quarantined' THEN
        SET v_message = concat('prediction ', OLD.prediction_id, ' stays quarantined');
        SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = v_message;
    END IF;
    IF NEW.status = 'quarantined' AND OLD.status <> 'quarantined' THEN
        IF EXISTS (SELECT 1 FROM orders AS o WHERE o.prediction_id = OLD.prediction_id LOCK IN SHARE MODE) THEN
            SET v_message = concat('prediction ', OLD.prediction_id, ' has led to an order: it is too late to quarantine it');
            SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = v_message;
        END IF;
    END IF;
END;
