-- Auctions that were uncrossed since the proof or are not yet, and those that a new trade names.
SELECT u.*
FROM auctions AS u
WHERE
    u.uncrossed_event_id IS NULL
    OR (u.uncrossed_event_id > %(event_id)s AND u.uncrossed_event_id NOT IN (SELECT s.event_id FROM seen AS s))
    OR u.auction_id IN (SELECT t.auction_id FROM new_trades AS t WHERE t.auction_id IS NOT NULL)
