-- Predictions of an issue that is delisted are over.
UPDATE predictions SET status = 'expired'
WHERE symbol = %(symbol)s AND status = 'valid'
