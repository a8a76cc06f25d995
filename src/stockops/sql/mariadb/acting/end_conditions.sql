-- Rules of an issue that is delisted wait no longer.
UPDATE conditions SET status = 'expired'
WHERE symbol = %(symbol)s AND status IN ('active', 'paused')
