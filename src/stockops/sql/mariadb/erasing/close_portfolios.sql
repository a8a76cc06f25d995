-- Close the portfolios of a user: nothing rebalances them any more. Needs: UPDATE on portfolios.
UPDATE portfolios SET status = 'closed' WHERE user_id = %(user_id)s AND status <> 'closed'
