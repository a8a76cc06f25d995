-- The hash chain over the audit log is unbroken: numbered without gaps, each hash made of the one before it and the row as it stands.
-- Where the numbers have no gap, all are read in their order, and a variable carries on the hash of the one before: to look
-- that up takes a third of the whole, and a window more. Only what does not follow so is looked up. Else all are put in a line.
WITH before_all AS (
    SELECT 0 AS seal_no, repeat('0', 64) AS chain_hash, 0 AS unsealed
),
numbers AS (
    SELECT CASE WHEN max(s.seal_no) = max(b.seal_no) + count(*) AND min(s.seal_no) = max(b.seal_no) + 1 THEN 1 ELSE 0 END AS are_whole
    FROM before_all AS b
    CROSS JOIN audit_seals AS s
),
linked AS (
    SELECT
        s.seal_no, s.audit_id, s.business_date, s.chain_hash,
        b.seal_no + row_number() OVER (ORDER BY s.seal_no) AS place_no,
        coalesce(lag(s.chain_hash) OVER (ORDER BY s.seal_no), b.chain_hash) AS previous_hash
    FROM before_all AS b
    CROSS JOIN audit_seals AS s
    WHERE (SELECT n.are_whole FROM numbers AS n) = 0
),
suspects AS (
    SELECT l.seal_no
    FROM before_all AS b
    -- A variable has to be there before what reads it is looked at.
    CROSS JOIN (SELECT @stockops_hash := '' AS v) AS h
    STRAIGHT_JOIN audit_seals AS l
    LEFT JOIN audit_canonical AS c ON c.audit_id = l.audit_id AND c.business_date = l.business_date
    WHERE
        (SELECT n.are_whole FROM numbers AS n) = 1
        AND coalesce(sha2(concat(CASE l.seal_no WHEN b.seal_no + 1 THEN b.chain_hash ELSE @stockops_hash END, char(10 USING utf8mb4), c.canonical), 256), '')
        <> (@stockops_hash := l.chain_hash)
    ORDER BY l.seal_no
    -- Without a limit the order of a derived table is no order.
    LIMIT 18446744073709551615
),
wrong AS (
    SELECT
        l.seal_no, l.seal_no AS place_no, l.audit_id, l.chain_hash,
        sha2(concat(coalesce(p.chain_hash, b.chain_hash), char(10 USING utf8mb4), c.canonical), 256) AS due_hash
    FROM before_all AS b
    STRAIGHT_JOIN suspects AS u
    STRAIGHT_JOIN audit_seals AS l ON l.seal_no = u.seal_no
    LEFT JOIN audit_seals AS p ON p.seal_no = l.seal_no - 1
    LEFT JOIN audit_canonical AS c ON c.audit_id = l.audit_id AND c.business_date = l.business_date
    WHERE l.chain_hash <> coalesce(sha2(concat(coalesce(p.chain_hash, b.chain_hash), char(10 USING utf8mb4), c.canonical), 256), '')
    UNION ALL
    SELECT
        l.seal_no, l.place_no, l.audit_id, l.chain_hash,
        sha2(concat(l.previous_hash, char(10 USING utf8mb4), c.canonical), 256)
    FROM linked AS l
    LEFT JOIN audit_canonical AS c ON c.audit_id = l.audit_id AND c.business_date = l.business_date
    WHERE l.seal_no <> l.place_no OR l.chain_hash <> coalesce(sha2(concat(l.previous_hash, char(10 USING utf8mb4), c.canonical), 256), '')
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
    SELECT (SELECT count(*) FROM audit_seals) AS looked_at,
        concat_ws(' ', (SELECT unsealed FROM before_all) + (SELECT count(*) FROM audit_log) - (SELECT count(*) FROM audit_seals), 'audit rows not sealed yet') AS note
)
SELECT l.looked_at, coalesce(s.violations, 0) AS violations, s.entity, s.expected, s.found, l.note
FROM looked AS l
LEFT JOIN shown AS s ON 1 = 1
ORDER BY s.place_no
