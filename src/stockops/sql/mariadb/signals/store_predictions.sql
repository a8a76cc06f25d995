-- Store judged predictions; answers with the keys of those that were not there yet.
CALL store_predictions(%(predictions)s, %(date)s, %(at)s)
