-- Which models are known, one key for each prediction, and the gate: no order follows from a quarantined one.

CREATE TABLE models (
    model_version varchar(32) COLLATE "C" NOT NULL,
    status varchar(16) COLLATE "C" NOT NULL DEFAULT 'active',
    registered_at timestamp(6) with time zone NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT models_pk PRIMARY KEY (model_version),
    CONSTRAINT models_status_ck CHECK (status IN ('active', 'retired'))
);
COMMENT ON TABLE models IS 'A model whose predictions are taken: a row that a DBA adds before its first one';
COMMENT ON COLUMN models.model_version IS 'Model and version, as its predictions name it';
COMMENT ON COLUMN models.status IS 'active or retired: what a retired one says is quarantined';
COMMENT ON COLUMN models.registered_at IS 'When it was made known, UTC';
INSERT INTO models (model_version)
SELECT 'sample-1' UNION SELECT p.model_version FROM predictions AS p WHERE p.model_version IS NOT NULL;

ALTER TABLE predictions ADD COLUMN prediction_key varchar(64) COLLATE "C" NULL;
ALTER TABLE predictions
    ADD CONSTRAINT predictions_key_uq UNIQUE (prediction_key),
    ADD CONSTRAINT predictions_model_fk FOREIGN KEY (model_version) REFERENCES models (model_version),
    ADD CONSTRAINT predictions_trusted_ck CHECK (status = 'quarantined' OR confidence >= 0.5);
CREATE INDEX predictions_model_ix ON predictions (model_version);
CREATE INDEX predictions_match_ix ON predictions (symbol, side, status, confidence);
COMMENT ON COLUMN predictions.prediction_key IS 'SHA-256 of what was loaded, in hex: the same row again is the same prediction; NULL where it was not loaded';

ALTER TABLE notifications ADD COLUMN prediction_id bigint NULL;
ALTER TABLE notifications
    ADD CONSTRAINT notifications_prediction_fk FOREIGN KEY (prediction_id) REFERENCES predictions (prediction_id);
CREATE INDEX notifications_prediction_ix ON notifications (prediction_id) WHERE prediction_id IS NOT NULL;
COMMENT ON COLUMN notifications.prediction_id IS 'Prediction it is about, if there is one';

-- The prediction stays locked until the order is committed: nobody quarantines it meanwhile.
CREATE FUNCTION refuse_quarantined() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $body$
BEGIN
    PERFORM 1 FROM predictions AS p WHERE p.prediction_id = NEW.prediction_id FOR SHARE;
    IF EXISTS (SELECT 1 FROM predictions AS p WHERE p.prediction_id = NEW.prediction_id AND p.status = 'quarantined') THEN
        RAISE EXCEPTION 'prediction % is quarantined: no order follows from it', NEW.prediction_id
            USING ERRCODE = 'P0001', HINT = 'See why with: stockops trade predictions list --status quarantined';
    END IF;
    RETURN NEW;
END
$body$;
COMMENT ON FUNCTION refuse_quarantined() IS 'Holds orders against quarantined predictions, whoever writes the order';
CREATE TRIGGER orders_prediction_gate BEFORE INSERT OR UPDATE OF prediction_id ON orders
    FOR EACH ROW WHEN (NEW.prediction_id IS NOT NULL) EXECUTE FUNCTION refuse_quarantined();

CREATE FUNCTION hold_quarantine() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $body$
BEGIN
    IF OLD.status = 'quarantined' THEN
        RAISE EXCEPTION 'prediction % stays quarantined', OLD.prediction_id
            USING ERRCODE = 'P0001', HINT = 'Load a corrected prediction instead.';
    END IF;
    IF NEW.status = 'quarantined' AND EXISTS (SELECT 1 FROM orders AS o WHERE o.prediction_id = OLD.prediction_id) THEN
        RAISE EXCEPTION 'prediction % has led to an order: it is too late to quarantine it', OLD.prediction_id
            USING ERRCODE = 'P0001', HINT = 'Set it to expired.';
    END IF;
    RETURN NEW;
END
$body$;
COMMENT ON FUNCTION hold_quarantine() IS 'Keeps a quarantined prediction quarantined, and one that has led to an order out of it';
CREATE TRIGGER predictions_quarantine BEFORE UPDATE OF status ON predictions
    FOR EACH ROW WHEN (NEW.status <> OLD.status) EXECUTE FUNCTION hold_quarantine();
