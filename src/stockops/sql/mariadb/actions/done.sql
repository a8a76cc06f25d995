-- What an action came to: customers whose holding changed, what they were paid, and the shares that are left.
-- Needs: SELECT on corporate_action_lines, accounts.
SELECT
    cast(coalesce(sum(CASE WHEN a.kind = 'customer' THEN 1 ELSE 0 END), 0) AS signed) AS holders,
    cast(coalesce(sum(CASE WHEN a.kind = 'customer' THEN l.paid_won ELSE 0 END), 0) AS decimal(30, 0)) AS paid_won,
    cast(coalesce(sum(CASE WHEN a.kind = 'customer' THEN l.quantity_after ELSE 0 END), 0) AS decimal(30, 0)) AS shares
FROM corporate_action_lines AS l
JOIN accounts AS a ON a.account_id = l.account_id
WHERE l.action_id = %(action_id)s
