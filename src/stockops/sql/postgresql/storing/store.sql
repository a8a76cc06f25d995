-- Store a token of an account, in the place of the one there may be. Needs: INSERT and UPDATE on broker_tokens.
INSERT INTO broker_tokens (account_id, key_id, ciphertext)
VALUES (%(account_id)s, %(key_id)s, %(ciphertext)s)
ON CONFLICT (account_id) DO UPDATE
SET key_id = excluded.key_id, ciphertext = excluded.ciphertext, stored_at = excluded.stored_at
