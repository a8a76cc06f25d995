-- What is looked for every minute while the server is watched.

CREATE INDEX notifications_queued_ix ON notifications (status, notification_id) WHERE status = 'queued';
