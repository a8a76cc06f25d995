-- Notes a chunk as loaded, in the transaction that loads it.
INSERT INTO seed_chunks (plan_hash, table_name, chunk_no, loaded_rows, sha256)
VALUES (%(plan_hash)s, %(table_name)s, %(chunk_no)s, %(loaded_rows)s, %(sha256)s)
