-- When the last order that is there was written, by the server's clock, in seconds since 1970.
SELECT extract(EPOCH FROM max(o.recorded_at))::float8 AS at_s
FROM orders AS o
