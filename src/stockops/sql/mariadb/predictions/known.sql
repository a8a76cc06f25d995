-- Which of some keys, a JSON array, predictions have already.
-- Needs: SELECT on predictions.
SELECT p.prediction_key
FROM json_table(%(prediction_keys)s, '$[*]' COLUMNS (prediction_key VARCHAR(64) PATH '$')) AS j
STRAIGHT_JOIN predictions AS p ON p.prediction_key = j.prediction_key
ORDER BY p.prediction_key
