-- Store judged predictions; answers with the keys of those that were not there yet.
SELECT s.prediction_key, s.prediction_id FROM store_predictions(%(predictions)s::jsonb, %(date)s::date, %(at)s::timestamptz) AS s
