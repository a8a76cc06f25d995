"""The class of a statement is that of what each server itself keeps of it."""

from stockops.engine.base import Server
from stockops.statements import Dialect, classify

BOTH = [
    "CREATE TABLE t1 (id int PRIMARY KEY, Name varchar(20) NOT NULL, qty int DEFAULT NULL, s int)",
    "INSERT INTO t1 (id, name) VALUES (1, 'a'), (2, 'it''s')",
    "INSERT INTO t1 (id, name, qty) VALUES (3, 'b', NULL)",
    "INSERT INTO t1 (id, name, qty) VALUES (4, 'c', -1), (5, upper('d'), 1 + 1)",
    "SELECT id,name FROM t1 WHERE id=1",
    "select  ID, S from t1 where qty = - 5 and name <> 'x' and qty != 3",
    "SELECT a.id FROM t1 AS a WHERE a.id IN (1, 2, 3) AND a.qty NOT IN (-4)",
    "SELECT id FROM t1 WHERE (id, qty) IN ((1, 2), (3, 4))",
    "SELECT count(*), MD5('x'), coalesce(qty, NULL) FROM t1 GROUP BY qty HAVING count(*) > 1",
    "SELECT CASE WHEN qty > 1 THEN -1 ELSE NULL END, qty-1, qty * -1 FROM t1 ORDER BY 1, 2",
    "SELECT id FROM t1 WHERE name LIKE 'a%' AND qty IS NULL OR qty IS NOT NULL LIMIT 5",
    "SELECT id FROM t1 WHERE qty BETWEEN 1 AND 5 OR NOT EXISTS (SELECT 1 FROM t1 WHERE id = 1)",
    "SELECT true, false, id FROM t1 -- a comment",
    "SELECT /* one */ id, 'a' FROM t1 WHERE id = 7 /*action='x'*/",
    "WITH c AS (SELECT 1 AS n) SELECT n FROM c WHERE n = 1",
    "UPDATE t1 SET qty=qty+1, s = NULL WHERE id = 1",
    "DELETE FROM t1 WHERE id = 9",
    "SELECT 종목.id FROM t1 AS 종목 WHERE 종목.name = '삼성'",
    "SELECT CAST('1' AS char(10)), 1.5, 1e9, .5, interval '1' day + date '2024-01-01' FROM t1",
    "SELECT id FROM t1 UNION ALL (SELECT 2) ORDER BY 1",
    "START TRANSACTION",
    "SAVEPOINT s1",
    "ROLLBACK TO SAVEPOINT s1",
    "ROLLBACK",
]
POSTGRESQL = [
    "SELECT id FROM t1 WHERE id = ANY(ARRAY[1, 2]) AND name = ANY('{a,b}'::text[])",
    "SELECT id FROM t1 WHERE name = ANY(ARRAY['a', 'b']::varchar[]) AND id IN (1)",
    """SELECT "id", t1."name", "t1".qty AS "Total" FROM "t1" WHERE "id" > 1""",
    r"SELECT E'it\'s', $$it's$$, U&'d\0061', B'01', X'1F', 0x1F, 1_000",
    "SELECT id FROM t1 WHERE qty IS DISTINCT FROM 5 AND (qty = 1) IS NOT TRUE",
    "SELECT '{\"a\": 1}'::jsonb ? 'a', '{\"a\": 1}'::jsonb -> 'a', (ARRAY[1,2])[1:2]",
    "SELECT a.id FROM t1 AS a LEFT JOIN LATERAL (SELECT 1) AS b ON true",
    "SELECT unnest(ARRAY[1, 2, 3]), unnest('{1}'::int[])",
    "INSERT INTO t1 VALUES (1, 'a') ON CONFLICT (id) DO UPDATE SET qty = 5 RETURNING id",
    "SET statement_timeout = '5s'",
]
POSTGRESQL_PARAMETERS: list[tuple[str, str, dict[str, object]]] = [
    ("SELECT id FROM t1 WHERE id = %(a)s", "SELECT id FROM t1 WHERE id = 5", {"a": 1}),
    (
        "SELECT id FROM t1 WHERE qty = ANY(%(a)s)",
        "SELECT id FROM t1 WHERE qty = ANY(ARRAY[1])",
        {"a": [1]},
    ),
]
MARIADB = [
    "SELECT `id`, `t1`.`Name`, \"a\", 'b' 'c', N'd', _utf8mb4'e', x'1F', b'01' FROM `t1`",
    "SELECT SUBSTR(name, 1, 2), Concat(name, 'x'), now(), CURRENT_TIMESTAMP FROM t1 LIMIT 1, 2",
    "SET STATEMENT max_statement_time=5 FOR SELECT Id FROM t1 WHERE qty <=> 1",
    "INSERT INTO t1 VALUES (1, 'a', 2, 3) ON DUPLICATE KEY UPDATE qty = VALUES(qty) + 1",
    "SELECT DATE_ADD(now(), INTERVAL -1 DAY), IF(id, 1, 2), id MOD 2 FROM t1 WHERE id RLIKE 'a'",
    "SELECT 5--3, @@global.max_connections, @@session.sql_mode # a comment",
    "REPLACE INTO t1 (id, name) VALUES (1, 'z')",
    "SELECT DISTINCTROW qty FROM t1 WHERE id = SOME (SELECT 1)",
    "SET NAMES utf8mb4",
    "PREPARE p1 FROM 'SELECT 1'",
]


def kept_by(server: Server, dialect: Dialect) -> set[str]:
    """Return the classes of what `server` remembers of the statements of this database."""
    if dialect == "postgresql":
        sql = (
            "SELECT query AS text FROM pg_stat_statements JOIN pg_database AS d ON d.oid = dbid"
            " WHERE datname = current_database()"
        )
    else:
        sql = (
            "SELECT digest_text AS text FROM performance_schema.events_statements_summary_by_digest"
            " WHERE schema_name = database()"
        )
    return {classify(row["text"], dialect=dialect).text for row in server.rows(sql)}


def test_a_server_keeps_the_same_class(server: Server) -> None:
    dialect: Dialect = "postgresql" if server.engine == "postgresql" else "mariadb"
    statements = BOTH + (POSTGRESQL if dialect == "postgresql" else MARIADB)
    if dialect == "postgresql":
        server.execute("CREATE EXTENSION pg_stat_statements")
    else:  # of a table that is full it keeps no more, and the tests before have filled it
        server.execute("TRUNCATE performance_schema.events_statements_summary_by_digest")
    for sql in statements:
        server.execute(sql)
    if dialect == "postgresql":
        for sql, written, params in POSTGRESQL_PARAMETERS:
            server.execute(sql, params)
            statements = [*statements, written]
    kept = kept_by(server, dialect)
    classes = {classify(sql, dialect=dialect).text for sql in statements}
    assert sorted(classes - kept) == []
