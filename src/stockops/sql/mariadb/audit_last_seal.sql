-- The end of the audit chain, and the largest audit row that the chain covers; no row where nothing is sealed.
SELECT s.seal_no, s.chain_hash, (SELECT max(m.audit_id) FROM audit_seals AS m) AS audit_id
FROM audit_seals AS s
ORDER BY s.seal_no DESC
LIMIT 1
