-- Stop what a builder of our own is at.
KILL QUERY %(builder_id)s
