"""Where statements end: a table of cases, each run on its real server, and properties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockops.engine.base import Server
from stockops.errors import ConfigError
from stockops.sqlscripts import canonical, lexing, split

POSTGRESQL = {
    "a string": "SELECT 'a;b', 'it''s; fine', 'c:\\'",
    "an escape string": r"SELECT E'it\'s; fine', e'\\;'",
    "a quoted name": 'CREATE TABLE "x;""y" (n int)',
    "a dollar quote": "DO $$ BEGIN PERFORM 1; PERFORM ';'; END $$",
    "a tagged dollar quote": "DO $a$ BEGIN EXECUTE $b$SELECT 1; SELECT '$$'$b$; END; $a$",
    "a line comment inside": "SELECT 1 -- one; or two\n  , 2",
    "nested comments inside": "SELECT /* a /* b; */ ; */ 1",
    "a rule of two statements": ("CREATE RULE r AS ON INSERT TO base DO ALSO (SELECT 1; SELECT 2)"),
    "BEGIN ATOMIC": (
        "CREATE FUNCTION f(a int) RETURNS int BEGIN ATOMIC\n"
        "  SELECT CASE WHEN a > 1 THEN 1 ELSE 2 END;\n  SELECT (CASE a WHEN 1 THEN 2 END);\nEND"
    ),
    "BEGIN ATOMIC, replaced": (
        "CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC INSERT INTO base VALUES (1); SELECT 1; END"
    ),
    "a column called begin": 'CREATE TABLE spans (begin int, "end" int, atomic int)',
    "a dollar in a name": "SELECT 1 AS a$b$c, 2 AS d",
    "a Unicode name": "SELECT 1 AS 종목$이름",
    "operators that look like comments": "SELECT 5 - -3, 4 * - 2",
}
MARIADB = {
    "a string": r"""SELECT 'a;b', 'it''s; fine', "x;""y", 'it\'s;', "\";" """.rstrip(),
    "a quoted name": "CREATE TABLE `x;``y` (n int)",
    "comments of three kinds": "SELECT 1 # one; or two\n , 2 -- ;\n , 3 /* ; */ , 4",
    "two minus signs": "SELECT 5--3",
    "a comment that runs": "CREATE TABLE v (n int) /*! COMMENT 'a;b' */ /*M! ENGINE=InnoDB */",
    "a block": "BEGIN NOT ATOMIC DECLARE x INT DEFAULT IF(1, 2, 3); SET x = 1; END",
    "nested blocks": (
        "BEGIN NOT ATOMIC\n  BEGIN END;\n  outermost: BEGIN SELECT 1; END outermost;\nEND"
    ),
    "IF as a statement and as a function": (
        "CREATE PROCEDURE p1(n INT)\nBEGIN\n  IF (n = 1) THEN SELECT IF(n, 1, 2);\n"
        "  ELSEIF n = 2 THEN SELECT 2; ELSE IF IF(n, 1, 0) THEN SELECT 3; END IF; END IF;\nEND"
    ),
    "CASE as a statement and as an expression": (
        "CREATE PROCEDURE p2(n INT)\nBEGIN\n"
        "  CASE n WHEN 1 THEN SELECT 1; ELSE BEGIN END; END CASE;\n"
        "  SELECT CASE WHEN n THEN IF(n, 1, 2) ELSE (CASE n WHEN 2 THEN 3 END) END;\nEND"
    ),
    "every loop": (
        "CREATE PROCEDURE p3()\nBEGIN\n  DECLARE i INT DEFAULT 0;\n"
        "  turn: LOOP LEAVE turn; END LOOP turn;\n"
        "  WHILE i < 2 DO SET i = i + 1; END WHILE;\n"
        "  REPEAT SET i = i - 1; UNTIL i < 1 END REPEAT;\n"
        "  FOR k IN 1..3 DO DO k; END FOR;\n  SELECT REPEAT('a', 2), REPLACE('a', 'b', 'c');\nEND"
    ),
    "handlers": (
        "CREATE PROCEDURE p4()\nBEGIN\n  DECLARE gone CONDITION FOR SQLSTATE '42S02';\n"
        "  DECLARE c CURSOR FOR SELECT IF(1, 2, 3);\n"
        "  DECLARE CONTINUE HANDLER FOR NOT FOUND SET @done = IF(1, 2, 3);\n"
        "  DECLARE CONTINUE HANDLER FOR gone BEGIN SELECT 1; END;\n"
        "  DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; RESIGNAL; END;\n"
        "  OPEN c; CLOSE c;\nEND"
    ),
    "a body without BEGIN": "CREATE PROCEDURE p5() IF 1 THEN SELECT 1; END IF",
    "a labelled body": "CREATE PROCEDURE p6() everything: BEGIN LEAVE everything; END",
    "a function of one statement": (
        "CREATE FUNCTION IF NOT EXISTS f1(a INT) RETURNS VARCHAR(20) CHARSET utf8mb4\n"
        "  DETERMINISTIC COMMENT 'a; b' RETURN CASE WHEN a THEN IF(a, 1, 2) END"
    ),
    "a function that reads": (
        "CREATE OR REPLACE FUNCTION f2() RETURNS INT NOT DETERMINISTIC READS SQL DATA\n"
        "BEGIN\n  RETURN (SELECT count(*) FROM base);\nEND"
    ),
    "a trigger": (
        "CREATE DEFINER = CURRENT_USER TRIGGER t1 BEFORE UPDATE ON base FOR EACH ROW\n"
        "BEGIN\n  IF NEW.n < 0 THEN\n    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'n; below 0';\n"
        "  END IF;\nEND"
    ),
    "a trigger after another": (
        "CREATE OR REPLACE TRIGGER t2 BEFORE INSERT ON base FOR EACH ROW SET NEW.n = IF(1, 2, 3)"
    ),
    "an event": (
        "CREATE EVENT e1 ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01' ON COMPLETION PRESERVE\n"
        "DO BEGIN DELETE FROM base; DELETE FROM base; END"
    ),
    "a loop on its own": "FOR k IN 1..2 DO SELECT k; END FOR",
    "a choice on its own": "IF 1 = 1 THEN SELECT 1; END IF",
    "names that are keywords elsewhere": "SELECT n.n AS `end`, n.n AS begin FROM base AS n",
}
CASES = {"postgresql": POSTGRESQL, "mariadb": MARIADB}
PARAMS = [
    pytest.param(engine, sql, id=f"{engine}: {name}")
    for engine, cases in CASES.items()
    for name, sql in cases.items()
]


@pytest.mark.parametrize(("engine_name", "sql"), PARAMS)
def test_a_statement_among_others_stays_whole(engine_name: str, sql: str) -> None:
    text = f"-- head\nSELECT 1;\n{sql};\n/* between */ SELECT 2;\n{sql}\n"
    found = split(engine_name, text, name="x.sql")
    assert [statement.text for statement in found] == ["SELECT 1", sql, "SELECT 2", sql]
    assert [found[0].line, found[1].line] == [2, 3]


def test_the_server_takes_each_statement_of_the_table_whole(server: Server) -> None:
    server.execute("CREATE TABLE base (n int)")
    for sql in CASES[server.engine].values():
        (only,) = split(server.engine, f"{sql};", name="x.sql")
        server.execute(only.text)


def test_a_delimiter_line_changes_what_ends_a_statement() -> None:
    text = (
        "SELECT 1;\n"
        "DELIMITER //\n"
        "CREATE PROCEDURE q() BEGIN SELECT '//'; END//\n"
        "  SELECT 2; -- still one //\n//\n"
        "delimiter $$\n"
        "SELECT 3 AS three$$\n"
        "DELIMITER ;\n"
        "SELECT 4"
    )
    found = split("mariadb", text, name="x.sql")
    assert [(s.line, s.text) for s in found] == [
        (1, "SELECT 1"),
        (3, "CREATE PROCEDURE q() BEGIN SELECT '//'; END"),
        (4, "SELECT 2;"),
        (7, "SELECT 3 AS three"),
        (9, "SELECT 4"),
    ]


def test_what_mysqldump_writes_is_read() -> None:
    text = (
        "/*!999999\\- enable the sandbox mode */ \n"
        "/*!40101 SET @old = @@sql_mode */;\n"
        "DELIMITER ;;\n"
        "/*!50003 CREATE*/ /*!50017 DEFINER=`a`@`b`*/ /*!50003 TRIGGER t BEFORE INSERT ON x\n"
        "FOR EACH ROW BEGIN SET NEW.a = ';'; SET NEW.b = 1; END */;;\n"
        "DELIMITER ;\n"
    )
    found = split("mariadb", text, name="x.sql")
    assert [statement.line for statement in found] == [2, 4]
    assert found[1].words[:2] == ("CREATE", "DEFINER")


@pytest.mark.parametrize("engine_name", ["postgresql", "mariadb"])
def test_comments_and_stray_delimiters_are_no_statements(engine_name: str) -> None:
    assert split(engine_name, "-- a\n;;\n/* b */ ;\n", name="x.sql") == []


@pytest.mark.parametrize(
    ("engine_name", "text", "message"),
    [
        ("postgresql", "SELECT 1;\nSELECT 'a", "x.sql:2: string begins"),
        ("postgresql", "SELECT 1;\n\nSELECT $q$ a $$", "x.sql:3: dollar quote $q$ begins"),
        ("postgresql", "/* a /* b */ SELECT 1", "x.sql:1: comment begins"),
        ("postgresql", 'SELECT "a', "x.sql:1: quoted name begins"),
        ("postgresql", "SELECT (1;\nSELECT 2;", "x.sql:1: a bracket"),
        ("postgresql", "SELECT 1;\n\\copy t from 'f'\n", "x.sql:2: \\copy is a command of psql"),
        ("postgresql", "COPY t FROM STDIN;\n1\n\\.\n", "x.sql:1: COPY FROM STDIN"),
        ("mariadb", "SELECT `a", "x.sql:1: quoted name begins"),
        ("mariadb", "SELECT 1 /*! + 1", "x.sql:1: comment begins"),
        ("mariadb", "SELECT 1;\nBEGIN NOT ATOMIC SELECT 1;", "x.sql:2: BEGIN begins"),
        ("mariadb", "DELIMITER\nSELECT 1;", "x.sql:1: DELIMITER needs one sign"),
    ],
)
def test_what_never_ends_is_named_with_its_line(engine_name: str, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        split(engine_name, text, name="x.sql")
    assert str(raised.value).startswith(message)
    assert raised.value.hint


@given(
    engine_name=st.sampled_from(["postgresql", "mariadb"]),
    text=st.text(alphabet="ab;'\"`$\\-/*#!M() \n\tEe0begindcasDELIMTR:.한", max_size=80),
)
def test_any_text_is_split_or_refused_and_nothing_is_lost(engine_name: str, text: str) -> None:
    lexer = lexing.postgresql if engine_name == "postgresql" else lexing.mariadb
    try:
        tokens = list(lexer(text))
        found = split(engine_name, text, name="x.sql")
    except (ConfigError, lexing.Unterminated):
        return
    assert "".join(token.text for token in tokens) == text
    at = 0
    for number, statement in enumerate(found, 1):
        at = text.index(statement.text, at) + len(statement.text)
        assert statement.number == number
        assert statement.text.strip() == statement.text


_GAPS = st.sampled_from(["", "\n", " -- c; '\n", '\n/* ; " */\n', "\n\n  "])


@given(data=st.data(), engine_name=st.sampled_from(["postgresql", "mariadb"]))
def test_joined_statements_come_apart_again(data: st.DataObject, engine_name: str) -> None:
    chosen = data.draw(st.lists(st.sampled_from(list(CASES[engine_name].values())), max_size=6))
    text = "".join(f"{data.draw(_GAPS)}{sql}{data.draw(_GAPS)};" for sql in chosen)
    assert [s.text for s in split(engine_name, text, name="x.sql")] == chosen


@given(
    engine_name=st.sampled_from(["postgresql", "mariadb"]),
    value=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30),
)
def test_a_literal_never_splits(engine_name: str, value: str) -> None:
    doubled = value.replace("'", "''")
    quoted = doubled if engine_name == "postgresql" else doubled.replace("\\", "\\\\")
    sql = f"SELECT '{quoted}'"
    assert [s.text for s in split(engine_name, f"{sql}; {sql};", name="x.sql")] == [sql, sql]


def test_canonical_text_forgets_line_ends_and_nothing_else() -> None:
    plain = "SELECT 1,\n  'a  b';\n"
    assert canonical("\ufeffSELECT 1,  \r\n  'a  b';\t\r\n\r\n") == plain
    assert canonical(plain) == plain
    assert canonical("a\nb") != canonical("ab")
    assert canonical("a  b") != canonical("a b")
