-- How long keys may be: a statement is one packet, and there has to be room for its text.
SELECT @@max_allowed_packet - 1048576 AS characters
