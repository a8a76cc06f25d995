-- One beat of a writer, by the clock of the server.
INSERT INTO heartbeats AS h (writer, beat_no, beaten_at)
VALUES (%(writer)s, 1, clock_timestamp())
ON CONFLICT (writer) DO UPDATE SET beat_no = h.beat_no + 1, beaten_at = clock_timestamp()
