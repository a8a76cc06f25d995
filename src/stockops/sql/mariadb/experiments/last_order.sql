-- When the last order that is there was written, by the server's clock, in seconds since 1970.
SELECT CAST(UNIX_TIMESTAMP(MAX(o.recorded_at)) AS DOUBLE) AS at_s
FROM orders AS o
