-- The last seal of the proof, which the next one follows, and how many audit rows had none.
SELECT p.seal_no, p.chain_hash, p.unsealed
FROM books_proofs AS p
WHERE p.proof_id = %(proof_id)s
