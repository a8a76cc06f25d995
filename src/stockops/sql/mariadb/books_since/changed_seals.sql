-- The last seal of the proof, where it does not stand as it did.
SELECT p.seal_no, p.seal_no AS place_no, s.audit_id, coalesce(s.chain_hash, 'none') AS chain_hash, p.chain_hash AS due_hash
FROM proven_seal AS p
LEFT JOIN audit_seals AS s ON s.seal_no = %(seal_no)s
WHERE coalesce(s.chain_hash, '') <> p.chain_hash
