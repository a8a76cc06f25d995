-- Some tokens that another key than this one encrypts.
-- Two ranges of the index, where "not equal" would read all of it. Needs: SELECT on broker_tokens.
SELECT
    t.account_id,
    t.key_id,
    t.ciphertext
FROM (
    (
        SELECT account_id, key_id, ciphertext
        FROM broker_tokens
        WHERE key_id < %(key_id)s
        ORDER BY key_id, account_id
        LIMIT %(row_limit)s
    )
    UNION ALL
    (
        SELECT account_id, key_id, ciphertext
        FROM broker_tokens
        WHERE key_id > %(key_id)s
        ORDER BY key_id, account_id
        LIMIT %(row_limit)s
    )
) AS t
ORDER BY t.account_id
LIMIT %(row_limit)s
