-- Put another ciphertext in the place of one that is still there. Needs: UPDATE on broker_tokens.
UPDATE broker_tokens SET key_id = %(key_id)s, ciphertext = %(ciphertext)s
WHERE account_id = %(account_id)s AND ciphertext = %(before)s
