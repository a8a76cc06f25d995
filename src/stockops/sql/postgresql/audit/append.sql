-- Appends links, a JSON array of objects, to the audit chain.
INSERT INTO audit_seals (seal_no, audit_id, business_date, chain_hash)
SELECT j.seal_no, j.audit_id, j.business_date, j.chain_hash
FROM jsonb_to_recordset(%(links)s::jsonb) AS j (seal_no bigint, audit_id bigint, business_date date, chain_hash text)
