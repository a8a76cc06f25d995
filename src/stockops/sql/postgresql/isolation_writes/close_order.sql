-- Takes a resting order out of the book.
UPDATE orders SET status = 'cancelled', reason = 'cancelled', reserved_won = 0, closed_event_id = %(event_id)s WHERE order_id = %(order_id)s
