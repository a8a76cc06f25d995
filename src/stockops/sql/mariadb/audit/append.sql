-- Appends links, a JSON array of objects, to the audit chain.
INSERT INTO audit_seals (seal_no, audit_id, business_date, chain_hash)
SELECT j.seal_no, j.audit_id, j.business_date, j.chain_hash
FROM json_table(%(links)s, '$[*]' COLUMNS (
    seal_no bigint PATH '$.seal_no',
    audit_id bigint PATH '$.audit_id',
    business_date date PATH '$.business_date',
    chain_hash varchar(64) PATH '$.chain_hash'
)) AS j
