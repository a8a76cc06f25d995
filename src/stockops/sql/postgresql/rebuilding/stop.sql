-- Stop what a builder of our own is at.
SELECT pg_cancel_backend(%(builder_id)s)
