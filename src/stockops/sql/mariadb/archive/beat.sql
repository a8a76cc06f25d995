-- One beat of a writer, by the clock of the server.
INSERT INTO heartbeats (writer, beat_no, beaten_at)
VALUES (%(writer)s, 1, utc_timestamp(6))
ON DUPLICATE KEY UPDATE beat_no = beat_no + 1, beaten_at = utc_timestamp(6)
