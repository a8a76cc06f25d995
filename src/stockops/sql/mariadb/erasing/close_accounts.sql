-- Close the accounts of a user: no order is taken for them any more. Needs: UPDATE on accounts.
UPDATE accounts SET status = 'closed' WHERE user_id = %(user_id)s AND status <> 'closed'
