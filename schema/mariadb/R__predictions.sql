-- Stores predictions that were judged: the valid ones, and the quarantined ones with their audit row and the warning to
-- their user, all in one transaction. Each has a key; the same key again stores nothing, and takes no number: a load that was cut
-- short and is repeated gives the numbers that it would have given.
-- Opens and ends a transaction of its own, and is refused inside another one.

CREATE OR REPLACE PROCEDURE store_predictions(IN p_predictions LONGTEXT CHARACTER SET utf8mb4, IN p_business_date DATE, IN p_at DATETIME(6))
COMMENT 'Stores up to 1,000 judged predictions in one transaction; answers with those that were not there yet'
BEGIN
    DECLARE v_at DATETIME(6) DEFAULT coalesce(p_at, utc_timestamp(6));
    DECLARE v_date DATE DEFAULT coalesce(p_business_date, date(v_at + INTERVAL 9 HOUR));
    DECLARE v_is_new BOOLEAN;
    DECLARE v_stored LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin DEFAULT '[]';
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;
    IF coalesce(json_type(p_predictions), 'NULL') <> 'ARRAY' OR json_length(p_predictions) > 1000 THEN
        SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'store_predictions takes an array of 1000 predictions at most';
    END IF;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    START TRANSACTION;
    FOR r IN (
        SELECT j.*
        FROM json_table(p_predictions, '$[*]' COLUMNS (
            position_no FOR ORDINALITY,
            prediction_key VARCHAR(64) PATH '$.prediction_key', user_id BIGINT PATH '$.user_id', symbol VARCHAR(6) PATH '$.symbol',
            model_version VARCHAR(32) PATH '$.model_version', side VARCHAR(4) PATH '$.side', confidence DECIMAL(5, 4) PATH '$.confidence',
            target_won BIGINT PATH '$.target_won', status VARCHAR(16) PATH '$.status', reason VARCHAR(200) PATH '$.reason',
            predicted_at DATETIME(6) PATH '$.predicted_at', expires_at DATETIME(6) PATH '$.expires_at'
        )) AS j
        WHERE NOT EXISTS (SELECT 1 FROM predictions AS k WHERE k.prediction_key = j.prediction_key)
        ORDER BY j.position_no
    ) DO
        BEGIN
            DECLARE CONTINUE HANDLER FOR 1062 SET v_is_new = FALSE;
            SET v_is_new = TRUE;
            INSERT INTO predictions (prediction_key, user_id, symbol, model_version, side, confidence, target_won, status, reason, predicted_at, expires_at)
            VALUES (r.prediction_key, r.user_id, r.symbol, r.model_version, r.side, r.confidence, r.target_won, r.status, r.reason, r.predicted_at, r.expires_at);
        END;
        IF v_is_new THEN
            SET v_stored = json_array_append(v_stored, '$', last_insert_id());
        END IF;
    END FOR;
    INSERT INTO audit_log (audit_id, business_date, user_id, action, entity, entity_id, detail)
    SELECT NEXTVAL(event_ids), v_date, p.user_id, 'quarantine', 'prediction', p.prediction_id, p.reason
    FROM json_table(v_stored, '$[*]' COLUMNS (prediction_id BIGINT PATH '$')) AS s
    STRAIGHT_JOIN predictions AS p ON p.prediction_id = s.prediction_id
    WHERE p.status = 'quarantined';
    INSERT INTO notifications (user_id, prediction_id, kind, channel, body, created_at)
    SELECT p.user_id, p.prediction_id, 'ai_warning', 'push', concat_ws(' ', p.symbol, '예측이 격리되었습니다:', p.reason), v_at
    FROM json_table(v_stored, '$[*]' COLUMNS (prediction_id BIGINT PATH '$')) AS s
    STRAIGHT_JOIN predictions AS p ON p.prediction_id = s.prediction_id
    WHERE p.status = 'quarantined';
    COMMIT;
    SELECT p.prediction_key, p.prediction_id
    FROM json_table(v_stored, '$[*]' COLUMNS (prediction_id BIGINT PATH '$')) AS s
    STRAIGHT_JOIN predictions AS p ON p.prediction_id = s.prediction_id
    ORDER BY p.prediction_id;
END;
