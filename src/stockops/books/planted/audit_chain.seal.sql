-- A seal is gone.
DELETE FROM audit_seals
WHERE seal_no = 1
