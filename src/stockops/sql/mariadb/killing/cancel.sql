-- Cancel a statement by its own number, which no other one ever gets: error 1957 where it is over.
KILL QUERY ID %(mark)s
