-- The next tokens by account, after one.
-- Needs: SELECT on broker_tokens.
SELECT
    account_id,
    key_id,
    ciphertext
FROM broker_tokens
WHERE account_id > %(after_id)s
ORDER BY account_id
LIMIT %(row_limit)s
