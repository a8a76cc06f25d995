-- Ends what a session of the same role is at; the session itself stays.
SELECT pg_cancel_backend(%(session_id)s) AS is_asked
