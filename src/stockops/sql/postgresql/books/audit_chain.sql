-- The hash chain over the audit log is unbroken: numbered without gaps, each hash made of the one before it and the row as it stands.
WITH before_all AS (
    SELECT 0 AS seal_no, repeat('0', 64) AS chain_hash, 0 AS unsealed
),
linked AS (
    SELECT
        s.seal_no, s.audit_id, s.business_date, s.chain_hash,
        b.seal_no + row_number() OVER (ORDER BY s.seal_no) AS place_no,
        coalesce(lag(s.chain_hash) OVER (ORDER BY s.seal_no), b.chain_hash) AS previous_hash
    FROM before_all AS b
    CROSS JOIN audit_seals AS s
),
rehashed AS (
    SELECT
        l.seal_no, l.place_no, l.audit_id, l.chain_hash,
        encode(sha256(convert_to(l.previous_hash || chr(10) || c.canonical, 'UTF8')), 'hex') AS due_hash
    FROM linked AS l
    LEFT JOIN audit_canonical AS c ON c.audit_id = l.audit_id AND c.business_date = l.business_date
),
wrong AS (
    SELECT seal_no, place_no, audit_id, chain_hash, due_hash
    FROM rehashed
    WHERE seal_no <> place_no OR chain_hash <> coalesce(due_hash, '')
),
shown AS (
    SELECT
        row_number() OVER (ORDER BY seal_no) AS place_no,
        count(*) OVER () AS violations,
        concat_ws(' ', 'seal', seal_no, 'of audit row', audit_id) AS entity,
        CASE WHEN due_hash IS NULL THEN 'an audit row' ELSE concat_ws(' ', 'place', place_no, 'hash', due_hash) END AS expected,
        CASE WHEN due_hash IS NULL THEN 'none' ELSE concat_ws(' ', 'place', seal_no, 'hash', chain_hash) END AS found
    FROM wrong
    ORDER BY place_no
    LIMIT 20
),
looked AS (
    SELECT n.seals AS looked_at,
        concat_ws(' ', (SELECT unsealed FROM before_all) + (SELECT count(*) FROM audit_log) - n.seals, 'audit rows not sealed yet') AS note
    FROM (SELECT count(*) AS seals FROM audit_seals) AS n
)
SELECT l.looked_at, coalesce(s.violations, 0) AS violations, s.entity, s.expected, s.found, l.note
FROM looked AS l
LEFT JOIN shown AS s ON 1 = 1
ORDER BY s.place_no
