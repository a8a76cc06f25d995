-- The hash chain goes on from the last seal of the proof, which stands as it did: numbered without gaps, each hash made of the one before it and the row as it stands.
WITH linked AS (
    SELECT
        seal_no, audit_id, business_date, chain_hash,
        row_number() OVER (ORDER BY seal_no) + %(seal_no)s AS place_no,
        coalesce(lag(chain_hash) OVER (ORDER BY seal_no), %(chain_hash)s) AS previous_hash
    FROM audit_seals
    WHERE seal_no > %(seal_no)s
),
rehashed AS MATERIALIZED (
    SELECT
        l.seal_no, l.place_no, l.audit_id, l.chain_hash,
        encode(sha256(convert_to(l.previous_hash || chr(10) || c.canonical, 'UTF8')), 'hex') AS due_hash
    FROM linked AS l
    LEFT JOIN (
        SELECT v.audit_id, v.business_date, v.canonical
        FROM audit_canonical AS v
        WHERE v.audit_id = ANY (ARRAY(SELECT s.audit_id FROM audit_seals AS s WHERE s.seal_no > %(seal_no)s))
    ) AS c ON c.audit_id = l.audit_id AND c.business_date = l.business_date
),
wrong AS (
    SELECT seal_no, place_no, audit_id, chain_hash, due_hash
    FROM rehashed
    WHERE seal_no <> place_no OR chain_hash <> coalesce(due_hash, '')
    UNION ALL
    SELECT p.seal_no, p.seal_no, s.audit_id, coalesce(s.chain_hash, 'none'), p.chain_hash
    FROM (SELECT %(seal_no)s::bigint AS seal_no, %(chain_hash)s::text AS chain_hash) AS p
    LEFT JOIN (SELECT z.audit_id, z.chain_hash FROM audit_seals AS z WHERE z.seal_no = %(seal_no)s) AS s ON 1 = 1
    WHERE coalesce(s.chain_hash, '') <> p.chain_hash
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
    SELECT
        1 + (SELECT count(*) FROM audit_seals WHERE seal_no > %(seal_no)s) AS looked_at,
        concat_ws(
            ' ',
            (SELECT unsealed FROM books_proofs WHERE proof_id = %(proof_id)s)
            + (SELECT count(*) FROM new_audit_log) - (SELECT count(*) FROM audit_seals WHERE seal_no > %(seal_no)s),
            'audit rows not sealed yet'
        ) AS note
)
SELECT l.looked_at, coalesce(s.violations, 0) AS violations, s.entity, s.expected, s.found, l.note
FROM looked AS l
LEFT JOIN shown AS s ON 1 = 1
ORDER BY s.place_no
