-- How many tokens of accounts each key encrypts.
-- Needs: SELECT on broker_tokens.
SELECT
    key_id,
    count(*) AS tokens
FROM broker_tokens
GROUP BY key_id
ORDER BY key_id
