-- What users were advised on a business date. Needs: SELECT on ai_recommendations.
SELECT
    r.user_id AS user_id,
    r.rank_no AS rank_no,
    r.prediction_id AS prediction_id,
    r.symbol AS symbol,
    r.side AS side,
    r.score AS score,
    r.reason AS reason
FROM ai_recommendations AS r
WHERE r.business_date = %(on)s AND (%(user_id)s IS NULL OR r.user_id = %(user_id)s)
ORDER BY r.user_id, r.rank_no
