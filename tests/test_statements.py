"""Classes of statements: a table of spellings, and what holds for any text."""

import re
import time
from itertools import cycle
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stockops.statements import Dialect, classify
from stockops.statements.formatting import PRETTY_LENGTH_MAX, pretty
from stockops.statements.masking import grammar, letters
from stockops.statements.reading import read

# What it is, the statement, the text of its class.
POSTGRESQL = [
    ("a number", "SELECT 1", "SELECT ?"),
    ("a digit in a name", "SELECT t1.a1, md5('x') FROM t1", "SELECT t1.a1, md5(?) FROM t1"),
    ("a year in a name", "DELETE FROM orders_2024", "DELETE FROM orders_2024"),
    ("a sum without blanks", "UPDATE t SET qty=qty+1", "UPDATE t SET qty = qty + ?"),
    ("a difference", "SELECT qty-1 FROM t", "SELECT qty - ? FROM t"),
    ("a sign", "SELECT a FROM t WHERE b = -1", "SELECT a FROM t WHERE b = ?"),
    ("a sign without blanks", "SELECT a FROM t WHERE b=-1", "SELECT a FROM t WHERE b = ?"),
    ("two signs", "SELECT a - -1, - - 1 FROM t", "SELECT a - ?, ? FROM t"),
    ("a sign of a name", "SELECT -a FROM t", "SELECT - a FROM t"),
    ("numbers of all kinds", "SELECT f(1.5, .5, 1., 1e9, 1.5E-3)", "SELECT f(?, ?, ?, ?, ?)"),
    ("numbers of 16", "SELECT f(0x1F, 0o17, 0b11, 1_000)", "SELECT f(?, ?, ?, ?)"),
    ("a number in parentheses", "SELECT (1)", "SELECT (?)"),
    ("quotes within a string", "SELECT 'it''s; a \"test\" \\ ...'", "SELECT ?"),
    ("a backslash at the end", "SELECT 'c:\\', a FROM t", "SELECT ?, a FROM t"),
    ("an escape string", r"SELECT E'it\'s', e'\\', a FROM t", "SELECT ?, ?, a FROM t"),
    ("a word before a string", "SELECT a FROM t WHERE b LIKE'x'", "SELECT a FROM t WHERE b LIKE ?"),
    ("strings of all kinds", "SELECT f(U&'x', N'x', B'01', X'1F')", "SELECT f(?, ?, ?, ?)"),
    ("an escape of one's own", "SELECT U&'d!0061' UESCAPE '!'", "SELECT ?"),
    ("a string of two lines", "SELECT 'a'\n 'b'", "SELECT ?"),
    ("a dollar quote", "SELECT $$it's; SELECT 1$$, a FROM t", "SELECT ?, a FROM t"),
    ("a tagged dollar quote", "SELECT $a$ $$ $b$ $a$, 1 FROM t", "SELECT ?, ? FROM t"),
    ("a dollar in a name", "SELECT a$b$c, d$1 FROM t", "SELECT a$b$c, d$1 FROM t"),
    ("a forged log line", "SELECT 'LOG:  duration: 9999999.000 ms  statement: x'", "SELECT ?"),
    (
        "Hangul",
        "SELECT 종목명 FROM 종목 WHERE 이름 = '삼성'",
        "SELECT 종목명 FROM 종목 WHERE 이름 = ?",
    ),
    ("placeholders", "SELECT f($1, :name, %s, %(name)s)", "SELECT f(?, ?, ?, ?)"),
    (
        "a placeholder of JDBC",
        "SELECT a FROM t WHERE b=? AND c>=?",
        "SELECT a FROM t WHERE b = ? AND c >= ?",
    ),
    ("a cast", "SELECT '1'::int, $1::numeric(9,2)", "SELECT ?::int, ?::numeric(?, ?)"),
    (
        "a typed literal",
        "SELECT date '2024-01-01', interval '1' day",
        "SELECT date ?, INTERVAL ? day",
    ),
    ("a slice", "SELECT a[1], a[1:2], a[x:y] FROM t", "SELECT a[?], a[? : ?], a[x : y] FROM t"),
    (
        "operators of jsonb",
        "SELECT d ? 'k', d ?| array['a'], d->>'k' FROM t",
        "SELECT d ? ?, d ?| ?, d ->> ? FROM t",
    ),
    ("a remainder", "SELECT a % 2, b %c FROM t", "SELECT a % ?, b % c FROM t"),
    ("both signs of unequal", "SELECT a FROM t WHERE b != 1", "SELECT a FROM t WHERE b <> ?"),
    ("an operator before a sign", "SELECT a FROM t WHERE b<-1", "SELECT a FROM t WHERE b < ?"),
    ("a list", "SELECT a FROM t WHERE b IN (1, 2, 3)", "SELECT a FROM t WHERE b IN (?, ...)"),
    ("a list of one", "SELECT a FROM t WHERE b IN (1)", "SELECT a FROM t WHERE b IN (?, ...)"),
    (
        "a list of many kinds",
        "SELECT a FROM t WHERE b NOT IN (-1, $2, NULL, 'x'::text)",
        "SELECT a FROM t WHERE b NOT IN (?, ...)",
    ),
    (
        "a list as 18 writes it",
        "SELECT a FROM t WHERE b IN ($1 /*, ... */)",
        "SELECT a FROM t WHERE b IN (?, ...)",
    ),
    (
        "a list of rows",
        "SELECT a FROM t WHERE (b, c) IN ((1,2),(3,4))",
        "SELECT a FROM t WHERE (b, c) IN ((?, ?))",
    ),
    (
        "a list with a name",
        "SELECT a FROM t WHERE b IN (1, c)",
        "SELECT a FROM t WHERE b IN (?, c)",
    ),
    (
        "a list that is a query",
        "SELECT a FROM t WHERE b IN (SELECT 1)",
        "SELECT a FROM t WHERE b IN (SELECT ?)",
    ),
    (
        "any of an array",
        "SELECT a FROM t WHERE b = ANY(ARRAY[1,2])",
        "SELECT a FROM t WHERE b = ANY (?)",
    ),
    (
        "any of a parameter",
        "SELECT a FROM t WHERE b = any ($1)",
        "SELECT a FROM t WHERE b = ANY (?)",
    ),
    (
        "any of a text",
        "SELECT a FROM t WHERE b = ANY('{1,2}'::int[])",
        "SELECT a FROM t WHERE b = ANY (?)",
    ),
    (
        "an array with casts",
        "SELECT a FROM t WHERE b = ANY(ARRAY['x'::text]::varchar(9)[])",
        "SELECT a FROM t WHERE b = ANY (?)",
    ),
    (
        "arrays of a call",
        "SELECT unnest(ARRAY[1,2], ARRAY[[1],[2]]::int[], '{}')",
        "SELECT unnest(?, ?::int[], ?)",
    ),
    (
        "rows",
        "INSERT INTO t (a, b) VALUES (1, NULL), (2, 'x')",
        "INSERT INTO t(a, b) VALUES (?, ?)",
    ),
    ("a row", "INSERT INTO t(a,b)VALUES(1,2)", "INSERT INTO t(a, b) VALUES (?, ?)"),
    (
        "rows of two kinds",
        "INSERT INTO t VALUES (1, now()), (2, DEFAULT), (3, now())",
        "INSERT INTO t VALUES (?, now()), (?, DEFAULT)",
    ),
    (
        "NULL and truth as values",
        "UPDATE t SET a = NULL, b = true WHERE f(null, FALSE)",
        "UPDATE t SET a = ?, b = ? WHERE f(?, ?)",
    ),
    (
        "NULL and truth as tests",
        "SELECT 1 FROM t WHERE a IS NULL AND b IS NOT NULL AND c IS NOT TRUE",
        "SELECT ? FROM t WHERE a IS NULL AND b IS NOT NULL AND c IS NOT TRUE",
    ),
    (
        "NULL of a column",
        "CREATE TABLE t (a int NOT NULL, b int DEFAULT NULL)",
        "CREATE TABLE t(a int NOT NULL, b int DEFAULT ?)",
    ),
    ("comments", "SELECT a -- one 'x\n, /* 'two /* three */ */ b FROM t", "SELECT a, b FROM t"),
    ("what looks like a comment", "SELECT '--', '/*' FROM t", "SELECT ?, ? FROM t"),
    (
        "a hint",
        "/*+ IndexScan(t  t_1)\n */ SELECT a FROM t",
        "/*+ IndexScan(t t_1) */ SELECT a FROM t",
    ),
    ("case and blanks", "select\n\tA,b  From Public . T", "SELECT a, b FROM public.t"),
    (
        "quoted names",
        'SELECT "a", "B", "user", t."select" FROM "T x"',
        'SELECT a, "B", "user", t.select FROM "T x"',
    ),
    ("a quote in a name", 'SELECT "it\'s", "a""b" FROM t', 'SELECT "it\'s", "a""b" FROM t'),
    ("an end", "SELECT a FROM t ; ;", "SELECT a FROM t"),
    ("two statements", "begin; UPDATE t SET a = 1;", "BEGIN; UPDATE t SET a = ?"),
    (
        "savepoints",
        "SAVEPOINT s1; ROLLBACK TO SAVEPOINT s1; RELEASE sa_7",
        "SAVEPOINT ?; ROLLBACK TO SAVEPOINT ?; RELEASE ?",
    ),
    (
        "a prepared statement",
        "PREPARE p (int) AS SELECT $1; EXECUTE p(5)",
        "PREPARE p(int) AS SELECT ?; EXECUTE p(?)",
    ),
    ("what forgets one", "DEALLOCATE ALL; DEALLOCATE p1", "DEALLOCATE ALL; DEALLOCATE ?"),
    (
        "a lateral join",
        "SELECT 1 FROM a LEFT JOIN LATERAL f(a.x) ON true",
        "SELECT ? FROM a LEFT JOIN LATERAL f(a.x) ON ?",
    ),
    ("a call", "CALL place_order(1, '005930', NULL)", "CALL place_order(?, ?, ?)"),
    ("a setting", "SET statement_timeout TO '5s'", "SET statement_timeout TO ?"),
]
MARIADB = [
    ("a digit in a name", "SELECT md5('x') FROM orders_2024", "SELECT md5(?) FROM orders_2024"),
    ("a sum without blanks", "UPDATE t SET qty=qty+1", "UPDATE t SET qty = qty + ?"),
    ("a sign", "SELECT a FROM t WHERE b=-1 AND c <> - 2", "SELECT a FROM t WHERE b = ? AND c <> ?"),
    ("two minus signs", "SELECT 5--3", "SELECT ? - ?"),
    (
        "quotes within a string",
        "SELECT a FROM t WHERE b = 'it''s; a \"test\" \\\\ ...' AND c = 1",
        "SELECT a FROM t WHERE b = ? AND c = ?",
    ),
    (
        "backslashes",
        r"SELECT a FROM t WHERE b = 'it\'s' AND c = ''",
        "SELECT a FROM t WHERE b = ? AND c = ?",
    ),
    (
        "double quotes",
        r"""SELECT a FROM t WHERE b = "it's" OR b = "\"" """,
        "SELECT a FROM t WHERE b = ? OR b = ?",
    ),
    (
        "strings of all kinds",
        "SELECT N'x', _utf8mb4'x', _latin1 'x', x'1F', b'01', 0x1F, 'a' 'b'",
        "SELECT ?, ...",
    ),
    (
        "NULL and truth",
        "SELECT true, FALSE, a FROM t WHERE b = NULL AND c IS NULL",
        "SELECT ?, ..., a FROM t WHERE b = ? AND c IS NULL",
    ),
    (
        "a name of digits",
        "SELECT 1a, 2024_orders.b FROM 2024_orders",
        "SELECT 1a, 2024_orders.b FROM 2024_orders",
    ),
    (
        "backticks",
        "SELECT `a`, `t`.`B`, `select`, `x y`, `a``b` FROM `db`.`T`",
        "SELECT a, t.B, `select`, `x y`, `a``b` FROM db.T",
    ),
    (
        "a quote in backticks",
        "SELECT `it's` FROM t WHERE a = 'x'",
        "SELECT `it's` FROM t WHERE a = ?",
    ),
    ("case of tables", "SELECT Id FROM Orders", "SELECT id FROM Orders"),
    (
        "case of functions",
        "SELECT COUNT(*), Concat(a, MD5(b)) FROM t",
        "SELECT count(*), concat(a, md5(b)) FROM t",
    ),
    (
        "two words for one",
        "SELECT SUBSTR(a, 1), CURDATE() FROM t WHERE b RLIKE 'x'",
        "SELECT substring(a, ?), CURRENT_DATE () FROM t WHERE b REGEXP ?",
    ),
    ("a list", "SELECT a FROM t WHERE b IN (1,2,3)", "SELECT a FROM t WHERE b IN (?, ...)"),
    ("a list of one", "SELECT a FROM t WHERE b IN ('x')", "SELECT a FROM t WHERE b IN (?, ...)"),
    (
        "a list of a digest",
        "SELECT `a` FROM `t` WHERE `b` IN (...) ",
        "SELECT a FROM t WHERE b IN (?, ...)",
    ),
    ("rows", "INSERT INTO t (a,b) VALUES (1,NULL),(2,'x')", "INSERT INTO t(a, b) VALUES (?, ...)"),
    (
        "rows of a digest",
        "INSERT INTO `t` ( `a` , `b` ) VALUES (...) /* , ... */ ",
        "INSERT INTO t(a, b) VALUES (?, ...)",
    ),
    ("rows of one column", "INSERT INTO t VALUES (1),(2)", "INSERT INTO t VALUES (?)"),
    (
        "what a key does",
        "INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE a = VALUES(a)",
        "INSERT INTO t VALUES (?) ON DUPLICATE KEY UPDATE a = VALUES (a)",
    ),
    ("a limit", "SELECT a FROM t LIMIT 10, 20", "SELECT a FROM t LIMIT ?, ..."),
    ("a call", "CALL place_order(1, '005930', NULL)", "CALL place_order(?, ...)"),
    ("variables", "SET @a = 5, @b := @@global.x + @@y", "SET @a = ?, @b := @@global.x + @@y"),
    (
        "comments of three kinds",
        "SELECT a # it's\n, b -- one\n, /* two */ c FROM t",
        "SELECT a, b, c FROM t",
    ),
    (
        "a comment that runs",
        "SELECT /*!50001 STRAIGHT_JOIN */ a /*M! , 5 */ FROM t",
        "SELECT /*!50001 STRAIGHT_JOIN */ a /*M!, ? */ FROM t",
    ),
    (
        "a hint",
        "SELECT /*+ MAX_EXECUTION_TIME(5) */ a FROM t",
        "SELECT /*+ MAX_EXECUTION_TIME(5) */ a FROM t",
    ),
    (
        "settings of one statement",
        "SET STATEMENT max_statement_time=5 FOR SELECT a FROM t",
        "SELECT a FROM t",
    ),
    (
        "a prepared statement",
        "PREPARE p FROM 'SELECT 1'; EXECUTE p USING @a",
        "PREPARE p FROM ?; EXECUTE p USING @a",
    ),
    ("settings of a session", "SET NAMES utf8mb4", "SET names utf8mb4"),
    ("an interval", "SELECT a + INTERVAL -1 DAY FROM t", "SELECT a + INTERVAL ? day FROM t"),
    ("an alias that is a string", "SELECT a AS 'x' FROM t", "SELECT a AS ? FROM t"),
    ("accounts", "GRANT SELECT ON *.* TO 'u'@'%'", "GRANT SELECT ON *.* TO ? @ ?"),
    (
        "operators",
        "SELECT a FROM t WHERE b<=>1 AND NOT c<<2 || d->>'$.x'",
        "SELECT a FROM t WHERE b <=> ? AND NOT c << ? || d ->> ?",
    ),
    (
        "Hangul",
        "SELECT 종목 FROM `주문` WHERE 이름 = '삼성'",
        "SELECT 종목 FROM 주문 WHERE 이름 = ?",
    ),
    (
        "a word of MySQL 8",
        "SELECT RANK() OVER (ORDER BY a) FROM t",
        "SELECT rank() OVER (ORDER BY a) FROM t",
    ),
]
DIALECTS: tuple[Dialect, ...] = get_args(Dialect)
CASES = [("postgresql", *case) for case in POSTGRESQL] + [("mariadb", *case) for case in MARIADB]
IDS = [f"{dialect}: {what}" for dialect, what, _, _ in CASES]


@pytest.mark.parametrize(("dialect", "what", "sql", "text"), CASES, ids=IDS)
def test_a_statement_has_this_class(dialect: Dialect, what: str, sql: str, text: str) -> None:
    found = classify(sql, dialect=dialect)
    assert found.text == text, what
    assert not found.cut
    assert classify(found.text, dialect=dialect) == found


VERBS = [
    (
        "postgresql",
        "with a as (select 1), b(x) as (delete from t) insert into z select 1",
        "INSERT",
    ),
    ("postgresql", "WITH RECURSIVE a AS (SELECT 1 UNION SELECT n + 1 FROM a) SELECT 1", "SELECT"),
    ("postgresql", "(select 1) union (select 2)", "SELECT"),
    ("postgresql", "begin; select 1", "BEGIN"),
    ("postgresql", "/*+ x */ -- y\n vacuum t", "VACUUM"),
    ("postgresql", "  ", ""),
    ("postgresql", "'x'", ""),
    ("mariadb", "SET STATEMENT a=1, b=2 FOR UPDATE t SET c = 1", "UPDATE"),
    ("mariadb", "/*!40101 SET NAMES utf8 */", "SET"),
    ("mariadb", "describe t", "EXPLAIN"),
]


@pytest.mark.parametrize(("dialect", "sql", "verb"), VERBS)
def test_a_statement_has_this_verb(dialect: Dialect, sql: str, verb: str) -> None:
    assert classify(sql, dialect=dialect).verb == verb


CUTS = [
    ("postgresql", "SELECT a FROM t WHERE b = 'x", "SELECT a FROM t WHERE b = ?"),
    ("postgresql", r"SELECT E'x\'", "SELECT ?"),
    ("postgresql", "SELECT $a$ x $$", "SELECT ?"),
    ("postgresql", "SELECT a /* x /* y */", "SELECT a"),
    ("postgresql", "SELECT a /*+ x", "SELECT a /*+ x */"),
    ("postgresql", 'SELECT "a', "SELECT a"),
    ("postgresql", 'SELECT "A""', 'SELECT "A"""'),
    ("mariadb", 'SELECT "a', "SELECT ?"),
    ("mariadb", "SELECT `a", "SELECT a"),
    ("mariadb", "SELECT a /* x", "SELECT a"),
    ("mariadb", "SELECT a /*!50000 , b", "SELECT a /*!50000, b"),
]


@pytest.mark.parametrize(("dialect", "sql", "text"), CUTS)
def test_what_was_cut_off_says_so(dialect: Dialect, sql: str, text: str) -> None:
    found = classify(sql, dialect=dialect)
    assert (found.text, found.cut) == (text, True)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_tags_are_read_and_are_no_part_of_the_class(dialect: Dialect) -> None:
    plain = classify("SELECT 1 FROM t", dialect=dialect)
    tags = "/*traceparent='00-5b-01',action='%2Forder%20s',k='it\\'s'*/"
    expected = (("action", "/order s"), ("k", "it's"), ("traceparent", "00-5b-01"))
    for sql in (f"SELECT 1 FROM t {tags}", f"{tags} SELECT 1 FROM t", f"SELECT {tags} 5 FROM t;"):
        found = classify(sql, dialect=dialect)
        assert (found.class_id, found.tags) == (plain.class_id, expected)
    for sql in ("SELECT 1 FROM t /* a='b' and more */", "SELECT 1 FROM t -- a='b'"):
        assert classify(sql, dialect=dialect) == plain


def test_double_quotes_are_names_where_the_server_says_so() -> None:
    found = classify("SELECT \"a\" FROM t WHERE b = 'x'", dialect="mariadb", ansi_quotes=True)
    assert found.text == "SELECT a FROM t WHERE b = ?"


def test_a_class_is_known_by_its_text_alone() -> None:
    ids = {classify("SELECT a FROM t", dialect=dialect).class_id for dialect in DIALECTS}
    assert len(ids) == 1
    assert re.fullmatch("[0-9a-f]{16}", ids.pop())


SIGNS = [
    *"()[],.;:?$@#%&|<>=!+-*/\\'\"`\n\x00\x85",
    "--",
    "/*",
    "*/",
    "/*!50000",
    "/*+",
    "$$",
    "$a$",
]
WORDS = """
    $a$ 'x' E' U&' U&" 1 -1 1.5 1a a A b1 x _utf8 삼 \ud800 IN VALUES ARRAY[ ANY( NULL TRUE IS NOT
    SELECT SET STATEMENT FOR UESCAPE :: int ... (...) ?, SAVEPOINT user status
"""
PIECES = st.sampled_from([*SIGNS, *WORDS.split(), " "])
TEXTS = st.lists(PIECES, max_size=12).map("".join) | st.lists(PIECES, max_size=9).map(" ".join)


@given(TEXTS | st.text(max_size=30), st.sampled_from(DIALECTS))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_any_text_has_a_class_that_is_its_own(sql: str, dialect: Dialect) -> None:
    found = classify(sql, dialect=dialect)
    assert len(found.text.splitlines()) <= 1
    again = classify(found.text, dialect=dialect)
    assert again.text == found.text
    assert again.class_id == found.class_id


@given(TEXTS, st.sampled_from(DIALECTS), st.data())
@settings(max_examples=200, deadline=None, derandomize=True)
def test_a_class_found_by_its_sketch_is_that_of_the_whole(
    sql: str, dialect: Dialect, data: st.DataObject
) -> None:
    before, behind = data.draw(st.sampled_from([("", ""), ("a /* c */ ", ""), ("", " /* 7 */ b")]))
    sql = f"{before}{sql}{behind}"
    classify(sql, dialect=dialect)
    digits = data.draw(st.lists(st.sampled_from(["7", "12", "0", "305"]), min_size=1, max_size=2))
    drawn = cycle(digits)
    other = re.sub("[0-9]+", lambda _: next(drawn), sql).replace("'x'", "'5 y'")
    for text in (other, f"{other} /*a='b'*/", f"/* c */ {other}"):
        masked = grammar(dialect).mask(text)
        assert classify(text, dialect=dialect).text == read(masked.text, dialect=dialect).text


NUMBERS = st.integers(min_value=0).map(str) | st.floats(0, 1e9).map(str)
STRINGS = st.text(max_size=20)


@given(NUMBERS, STRINGS, st.sampled_from(DIALECTS))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_other_literals_are_the_same_class(number: str, string: str, dialect: Dialect) -> None:
    quoted = string.replace("'", "''")
    if dialect == "mariadb":
        quoted = quoted.replace("\\", "\\\\")
    sql = "SELECT a, {} FROM t1 WHERE b = {} AND c IN ({}, -{}) AND d LIKE {} LIMIT {}"
    written = sql.format(number, f"'{quoted}'", f"'{quoted}'", number, f"'{quoted}'", number)
    plain = sql.format(1, "'x'", "'x'", 1, "'x'", 1)
    assert classify(written, dialect=dialect) == classify(plain, dialect=dialect)


ROWS = ["(1, 'x')", "(-1, NULL)", "(now(), 2)", "(3, DEFAULT)", "( 5,'a(b),(c' )", "(1)"]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("before", ["INSERT INTO t VALUES ", "insert into t1 value", "SELECT "])
def test_a_bulk_load_is_of_one_class_however_long(before: str, dialect: Dialect) -> None:
    for rows in ([ROWS[0]], ROWS[:2], [ROWS[5]], ROWS[:5], [*ROWS[:1] * 3, ROWS[3], ROWS[0]]):
        for times in (2, 60, 400):
            sql = before + ", ".join(rows * times) + " ON CONFLICT DO NOTHING"
            masked = grammar(dialect).mask(sql)
            assert classify(sql, dialect=dialect).text == read(masked.text, dialect=dialect).text


def test_a_sample_is_laid_out_for_reading() -> None:
    assert pretty("select a from t where b = 'it''s'") == "SELECT a\nFROM t\nWHERE b = 'it''s'"


@pytest.mark.parametrize("piece", ["(", "'", "\ud800"])
def test_a_long_sample_is_cut_before_it_is_laid_out(piece: str) -> None:
    shown = pretty(piece * 50_000)
    assert len(shown) < 4 * PRETTY_LENGTH_MAX


NASTY = [
    "'",
    "''",
    '"',
    "(",
    ")",
    "[",
    "$",
    "$a$",
    "$a1$b",
    "/*",
    "/*!",
    "--",
    "-",
    "+",
    "\\",
    "E'",
]
NASTY += [
    "1",
    "1.",
    "1a",
    ".",
    ":",
    "%",
    "a.",
    "`",
    "{",
    "IN (",
    "VALUES (",
    "(1),",
    "ARRAY[",
    "1,",
]
NASTY += ["VALUES (1), ", "a::", "IN (1::a,", "-1", "?", "...", ", ...", "x=1 /*a='b'*/ ", "WITH ("]
NASTY += ["SET STATEMENT FOR ", "SAVEPOINT a;", "a'", "%(", "#\n", "\x00", "\\'", "/*+", "삼", "@"]


def cpu_s(piece: str, length: int, dialect: Dialect) -> float:
    """Return the CPU time that a text of `length` takes, of two tries; neither was seen before."""
    taken = []
    for name in ("a", "b"):
        sql = f"{name}{length}_{len(piece)} " + piece * (length // len(piece))
        start = time.process_time()
        classify(sql, dialect=dialect)
        taken.append(time.process_time() - start)
    return min(taken)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_time_grows_with_the_length_and_no_faster(dialect: Dialect) -> None:
    for piece in NASTY:
        small, large = (cpu_s(piece, length, dialect) for length in (400, 3_200))
        assert large < 24 * small + 0.02, piece


@pytest.mark.soak
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("piece", NASTY)
def test_a_megabyte_of_anything_is_read_in_a_minute(dialect: Dialect, piece: str) -> None:
    assert cpu_s(piece, 1_000_000, dialect) < 60


@pytest.mark.parametrize(
    ("said", "named"),
    [
        (letters(), r"[0-9A-Za-z_$\x80-\U0010ffff]"),
        (letters("$0123456789"), r"[A-Za-z_\x80-\U0010ffff]"),
        (letters(more="])^-"), r"[0-9A-Za-z_$\])^\-\x80-\U0010ffff]"),
    ],
)
def test_a_class_that_names_what_it_leaves_out_is_that_which_names_what_it_has(
    said: str, named: str
) -> None:
    every = "".join(map(chr, [*range(0x300), 0x2028, 0x212A, 0xAC00, 0x1F600, 0x10FFFF]))
    assert re.findall(said, every) == re.findall(named, every)
