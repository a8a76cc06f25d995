-- Entries that were not in the snapshot of the proof.
SELECT n.*
FROM journal_entries AS n
WHERE n.journal_id > %(event_id)s AND n.journal_id NOT IN (SELECT s.event_id FROM seen AS s)
