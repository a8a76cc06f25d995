-- How large an index is on disk.
SELECT pg_relation_size(to_regclass(%(index)s)) AS size_bytes
