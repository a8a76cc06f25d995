-- How long keys may be: a statement is one packet, and there has to be room for its text. And the largest number above the
-- high-water mark that the proof had seen: beyond it none has to be looked up among those.
SELECT
    @@max_allowed_packet - 1048576 AS characters,
    (SELECT coalesce(max(e.event_id), %(event_id)s) FROM books_proof_events AS e WHERE e.proof_id = %(proof_id)s AND e.kind = 'seen') AS seen_through
