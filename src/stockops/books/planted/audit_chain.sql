-- A sealed audit row reads differently now.
UPDATE audit_canonical SET canonical = concat(canonical, '.')
WHERE audit_id = (SELECT audit_id FROM audit_seals WHERE seal_no = 1)
