-- Ends what a session of the same user is at; the session itself stays.
KILL QUERY %(session_id)s
