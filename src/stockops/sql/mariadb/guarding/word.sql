-- What stands in a file of the data directory, as the server itself reads it; NULL where there is no such file.
-- Needs: FILE, and secure_file_priv unset, as it is where nobody sets it; the file must be readable by all.
SELECT CAST(load_file(concat(@@GLOBAL.datadir, %(file)s)) AS CHAR) AS word
