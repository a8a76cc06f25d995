-- Audit rows of a user whose words hold what is personal of that user: they are sealed, and stay.
-- What is looked for never leaves the server. Needs: SELECT on audit_log, users and accounts.
SELECT DISTINCT
    l.audit_id
FROM audit_log AS l
JOIN users AS u ON u.user_id = l.user_id
LEFT JOIN accounts AS a ON a.user_id = u.user_id
WHERE l.user_id = %(user_id)s
    AND (
        position(u.email IN l.detail) > 0
        OR position(u.phone IN l.detail) > 0
        OR position(coalesce(a.account_no, u.email) IN l.detail) > 0
        OR (char_length(u.full_name) > 1 AND position(u.full_name IN l.detail) > 0)
    )
ORDER BY l.audit_id
LIMIT 1000
