-- Committed audit rows above a number that have no seal, the smallest number first.
SELECT c.audit_id, c.business_date, c.canonical
FROM audit_canonical AS c
LEFT JOIN audit_seals AS s ON s.audit_id = c.audit_id
WHERE c.audit_id > %(after_id)s AND s.audit_id IS NULL
ORDER BY c.audit_id
LIMIT %(row_limit)s
