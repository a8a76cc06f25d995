-- The logical content of a page of journal_entries, by journal_id: the same text on both engines.
-- Needs: SELECT on journal_entries.
SELECT
    group_concat(concat_ws(
        '|', t.journal_id, t.leg, t.business_date, t.account_id, t.asset, t.amount, t.kind
    ) ORDER BY t.journal_id, t.leg SEPARATOR '\n') AS block,
    count(*) AS line_count
FROM journal_entries AS t
WHERE t.journal_id BETWEEN %(first)s AND %(last)s
