-- Hold a user, so that no account of theirs is opened meanwhile. Needs: UPDATE on users.
SELECT user_id FROM users WHERE user_id = %(user_id)s FOR UPDATE
