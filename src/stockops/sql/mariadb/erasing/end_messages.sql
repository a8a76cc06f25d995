-- End the messages to a user that wait to be sent: there is nobody to send them to. Needs: UPDATE on notifications.
UPDATE notifications SET status = 'failed', sent_at = utc_timestamp(6) WHERE user_id = %(user_id)s AND status = 'queued'
