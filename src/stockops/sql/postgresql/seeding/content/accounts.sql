-- The logical content of a page of accounts, by account_id: the same text on both engines.
-- Needs: SELECT on accounts.
SELECT
    string_agg(concat_ws(
        '|', t.account_id, t.user_id, t.broker_id, t.account_no, t.kind, t.status, t.tax_exempt::int, t.cash_won,
            t.reserved_won, to_char(t.opened_at, 'YYYY-MM-DD HH24:MI:SS')
    ), E'\n' ORDER BY t.account_id) AS block,
    count(*) AS line_count
FROM accounts AS t
WHERE t.account_id BETWEEN %(first)s AND %(last)s
