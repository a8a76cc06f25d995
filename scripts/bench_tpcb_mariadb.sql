-- The tables of pgbench's TPC-B, of as many rows and bytes.
CREATE TABLE branches (bid int NOT NULL PRIMARY KEY, bbalance int, filler char(88));
CREATE TABLE tellers (tid int NOT NULL PRIMARY KEY, bid int, tbalance int, filler char(84));
CREATE TABLE accounts (aid int NOT NULL PRIMARY KEY, bid int, abalance int, filler char(84));
CREATE TABLE history (
    tid int, bid int, aid int, delta int, mtime timestamp, filler char(22)
);
INSERT INTO branches SELECT seq, 0, '' FROM seq_1_to_1000000 WHERE seq <= {scale};
INSERT INTO tellers SELECT seq, 1 + (seq - 1) DIV 10, 0, '' FROM seq_1_to_1000000 WHERE seq <= 10 * {scale};
INSERT INTO accounts
SELECT seq, 1 + (seq - 1) DIV 100000, 0, REPEAT(' ', 84) FROM seq_1_to_100000000 WHERE seq <= 100000 * {scale};
ANALYZE TABLE branches, tellers, accounts
