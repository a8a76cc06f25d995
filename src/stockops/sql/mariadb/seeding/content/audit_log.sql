-- The logical content of a page of audit_log, by audit_id: the same text on both engines.
-- Needs: SELECT on audit_log. Columns that a server's clock fills are left out.
SELECT
    group_concat(concat_ws(
        '|', t.audit_id, t.business_date, coalesce(t.user_id, '-'), t.action, t.entity, t.entity_id, t.detail
    ) ORDER BY t.audit_id SEPARATOR '\n') AS block,
    count(*) AS line_count
FROM audit_log AS t
WHERE t.audit_id BETWEEN %(first)s AND %(last)s
