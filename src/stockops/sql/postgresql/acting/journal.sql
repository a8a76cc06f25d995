-- The journals of an action: shares come from the issuer and go to it, cash is paid by the house or by the issuer.
INSERT INTO journal_entries (journal_id, leg, business_date, account_id, asset, amount, kind)
SELECT
    l.journal_id, n.leg, %(on)s::date,
    CASE n.leg WHEN 2 THEN 5 WHEN 4 THEN %(payer)s::bigint ELSE l.account_id END,
    CASE WHEN n.leg <= 2 THEN %(symbol)s::text ELSE 'KRW' END,
    CASE n.leg WHEN 1 THEN l.quantity_after - l.quantity_before WHEN 2 THEN l.quantity_before - l.quantity_after WHEN 3 THEN l.paid_won ELSE -l.paid_won END,
    'action'
FROM corporate_action_lines AS l
CROSS JOIN (SELECT 1 AS leg UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4) AS n
WHERE l.action_id = %(action_id)s AND (n.leg <= 2 OR l.paid_won > 0)
