-- End the conditions of a user: none places an order any more. Needs: UPDATE on conditions.
UPDATE conditions SET status = 'cancelled' WHERE user_id = %(user_id)s AND status IN ('active', 'paused')
