-- The logical content of a page of accounts, by account_id: the same text on both engines.
-- Needs: SELECT on accounts.
SELECT
    group_concat(concat_ws(
        '|', t.account_id, t.user_id, t.broker_id, t.account_no, t.kind, t.status, t.tax_exempt, t.cash_won,
            t.reserved_won, left(t.opened_at, 19)
    ) ORDER BY t.account_id SEPARATOR '\n') AS block,
    count(*) AS line_count
FROM accounts AS t
WHERE t.account_id BETWEEN %(first)s AND %(last)s
