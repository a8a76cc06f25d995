-- The newest proof.
SELECT
    proof_id, proven_at, invariants, event_id, last_order_id, last_trade_id, condition_id, prediction_id, notification_id, seal_no, chain_hash, unsealed,
    folded_through, entries, entries_hash, seal
FROM books_proofs
ORDER BY proof_id DESC
LIMIT 1
