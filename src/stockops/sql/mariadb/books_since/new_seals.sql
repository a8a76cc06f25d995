-- Seals after the last one of the proof.
SELECT n.*
FROM audit_seals AS n
WHERE n.seal_no > %(seal_no)s
