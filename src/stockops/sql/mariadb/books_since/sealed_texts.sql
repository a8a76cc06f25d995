-- The texts of audit rows, of which those that were sealed since the proof are looked up.
SELECT v.*
FROM audit_canonical AS v
