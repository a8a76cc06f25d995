-- Entries that were not in the snapshot of the proof: found by their number, not by the few accounts that have most of them.
SELECT n.*
FROM journal_entries AS n IGNORE INDEX (journal_entries_account_ix)
WHERE n.journal_id > %(event_id)s AND (n.journal_id > %(seen_through)s OR n.journal_id NOT IN (SELECT s.event_id FROM seen AS s))
