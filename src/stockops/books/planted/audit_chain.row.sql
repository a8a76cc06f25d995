-- A sealed audit row is gone.
DELETE FROM audit_canonical
WHERE audit_id = (SELECT audit_id FROM audit_seals WHERE seal_no = 1)
