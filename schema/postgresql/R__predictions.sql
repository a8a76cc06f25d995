-- Stores predictions that were judged: the valid ones, and the quarantined ones with their audit row and the warning to
-- their user, all in one transaction. Each has a key; the same key again stores nothing, and takes no number: a load that was cut
-- short and is repeated gives the numbers that it would have given.

CREATE OR REPLACE FUNCTION store_predictions(p_predictions jsonb, p_business_date date DEFAULT NULL, p_at timestamptz DEFAULT NULL)
RETURNS TABLE (prediction_key varchar, prediction_id bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $body$
#variable_conflict use_column
DECLARE
    v_at timestamptz := coalesce(p_at, clock_timestamp());
    v_date date := coalesce(p_business_date, (v_at AT TIME ZONE 'Asia/Seoul')::date);
BEGIN
    IF jsonb_typeof(p_predictions) <> 'array' OR jsonb_array_length(p_predictions) > 1000 THEN
        RAISE EXCEPTION 'store_predictions takes an array of 1000 predictions at most' USING ERRCODE = 'P0001';
    END IF;
    RETURN QUERY
    WITH stored AS (
        INSERT INTO predictions AS p (prediction_key, user_id, symbol, model_version, side, confidence, target_won, status, reason, predicted_at, expires_at)
        SELECT r.prediction_key, r.user_id, r.symbol, r.model_version, r.side, r.confidence, r.target_won, r.status, r.reason, r.predicted_at, r.expires_at
        FROM ROWS FROM (
            jsonb_to_recordset(p_predictions) AS (
                prediction_key text, user_id bigint, symbol text, model_version text, side text, confidence numeric, target_won bigint,
                status text, reason text, predicted_at timestamptz, expires_at timestamptz
            )
        ) WITH ORDINALITY AS r (
            prediction_key, user_id, symbol, model_version, side, confidence, target_won, status, reason, predicted_at, expires_at, position_no
        )
        WHERE NOT EXISTS (SELECT 1 FROM predictions AS k WHERE k.prediction_key = r.prediction_key)
        ORDER BY r.position_no
        ON CONFLICT (prediction_key) DO NOTHING
        RETURNING p.prediction_key, p.prediction_id, p.user_id, p.symbol, p.status, p.reason
    ),
    logged AS (
        INSERT INTO audit_log (audit_id, business_date, user_id, action, entity, entity_id, detail)
        SELECT nextval('event_ids'), v_date, s.user_id, 'quarantine', 'prediction', s.prediction_id, s.reason
        FROM stored AS s WHERE s.status = 'quarantined' ORDER BY s.prediction_id
    ),
    told AS (
        INSERT INTO notifications (user_id, prediction_id, kind, channel, body, created_at)
        SELECT s.user_id, s.prediction_id, 'ai_warning', 'push', concat_ws(' ', s.symbol, '예측이 격리되었습니다:', s.reason), v_at
        FROM stored AS s WHERE s.status = 'quarantined' ORDER BY s.prediction_id
    )
    SELECT s.prediction_key, s.prediction_id FROM stored AS s ORDER BY s.prediction_id;
END
$body$;
COMMENT ON FUNCTION store_predictions(jsonb, date, timestamptz) IS 'Stores up to 1,000 judged predictions in one transaction; answers with those that were not there yet';
