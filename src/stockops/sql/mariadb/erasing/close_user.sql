-- Close a user. Needs: UPDATE on users.
UPDATE users SET status = 'closed' WHERE user_id = %(user_id)s AND status <> 'closed'
