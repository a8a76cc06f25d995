-- What a proof says of the snapshot besides sums; of the entries, those that the proof before it counted, too.
SELECT
    (SELECT coalesce(max(order_id), 0) FROM orders) AS last_order_id,
    (SELECT coalesce(max(trade_id), 0) FROM trades) AS last_trade_id,
    s.seal_no, s.chain_hash,
    (SELECT count(*) FROM audit_log) - s.seal_no AS unsealed,
    (SELECT max(business_date) FROM house_balances) AS folded_through,
    n.entries, n.entries_hash, n.old_entries, n.old_hash
FROM (
    SELECT
        count(*) AS entries, coalesce(sum(j.hash), 0) AS entries_hash,
        count(*) FILTER (WHERE j.is_old) AS old_entries, coalesce(sum(j.hash) FILTER (WHERE j.is_old), 0) AS old_hash
    FROM (
        SELECT
            hashint8extended(hash_record_extended(ROW(e.journal_id, e.leg, e.business_date, e.account_id, e.asset::text, e.amount::bigint, e.kind::text), 1), 1)
                AS hash,
            e.journal_id <= %(event_id)s
            OR e.journal_id IN (SELECT v.event_id FROM books_proof_events AS v WHERE v.proof_id = %(proof_id)s AND v.kind = 'seen') AS is_old
        FROM journal_entries AS e
    ) AS j
) AS n
CROSS JOIN (SELECT seal_no, chain_hash FROM audit_seals ORDER BY seal_no DESC LIMIT 1) AS s
