-- Store a token of an account, in the place of the one there may be. Needs: INSERT and UPDATE on broker_tokens.
INSERT INTO broker_tokens (account_id, key_id, ciphertext)
VALUES (%(account_id)s, %(key_id)s, %(ciphertext)s)
ON DUPLICATE KEY UPDATE
    key_id = VALUES(key_id), ciphertext = VALUES(ciphertext), stored_at = VALUES(stored_at)
