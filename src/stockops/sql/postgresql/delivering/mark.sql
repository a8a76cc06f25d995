-- Say what became of a message to a customer. Needs: UPDATE on notifications.
UPDATE notifications SET status = %(status)s, sent_at = clock_timestamp() WHERE notification_id = %(number)s AND status = 'queued'
