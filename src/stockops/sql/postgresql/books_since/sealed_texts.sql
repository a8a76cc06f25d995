-- The texts of the audit rows that were sealed since the proof.
SELECT v.*
FROM audit_canonical AS v
WHERE v.audit_id = ANY (ARRAY(SELECT s.audit_id FROM new_seals AS s))
