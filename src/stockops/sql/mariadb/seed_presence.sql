-- Whether a database holds anything but reference data and the house, and what its seed was asked for.
-- Needs: SELECT on users, stocks, orders, journal_entries, audit_log.
SELECT
    EXISTS (SELECT 1 FROM users AS u WHERE u.user_id > 0) AS users,
    EXISTS (SELECT 1 FROM stocks AS s) AS stocks,
    EXISTS (SELECT 1 FROM orders AS o) AS orders,
    EXISTS (SELECT 1 FROM journal_entries AS j) AS entries,
    (SELECT a.detail FROM audit_log AS a WHERE a.audit_id = 1 AND a.action = 'seed') AS described
