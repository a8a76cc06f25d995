-- Take the password of a user away, and the login. The name stands quoted in {login}.
ALTER USER {login} IDENTIFIED VIA mysql_native_password USING 'invalid' ACCOUNT LOCK
