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
        coalesce(sum(j.is_old), 0) AS old_entries, coalesce(sum(CASE WHEN j.is_old THEN j.hash END), 0) AS old_hash
    FROM (
        SELECT
            crc32(crc32(@stockops_row := concat_ws('|', e.journal_id, e.leg, e.business_date, e.account_id, e.asset, e.amount, e.kind)))
            + (crc32c(crc32c(@stockops_row)) << 32) AS hash,
            e.journal_id <= %(event_id)s
            OR e.journal_id IN (SELECT v.event_id FROM books_proof_events AS v WHERE v.proof_id = %(proof_id)s AND v.kind = 'seen') AS is_old
        FROM journal_entries AS e
    ) AS j
) AS n
CROSS JOIN (SELECT seal_no, chain_hash FROM audit_seals ORDER BY seal_no DESC LIMIT 1) AS s
