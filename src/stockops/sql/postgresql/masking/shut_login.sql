-- Take the password of a role away, and its login. The name stands quoted in {login}.
ALTER ROLE {login} NOLOGIN PASSWORD NULL
