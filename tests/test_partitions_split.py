"""Partitions that are longer than a month are split: the rows stay what they are."""

import json
import re
import subprocess
import sys
from contextlib import suppress

import pytest
from click.testing import CliRunner, Result
from conftest import ending, eventually

from stockops import partitions
from stockops.cli.main import main
from stockops.engine import connect
from stockops.engine.base import Server
from stockops.errors import ServerError
from stockops.targets import Target

# <> is the table, <_before> a name that begins as its name does. It has all that a new partition
# has to have too, rows in its first two partitions, and none in the third.
NAME = "ev'en\"t`s %"
TABLES = {
    "postgresql": """
CREATE TABLE kinds (kind int PRIMARY KEY);
INSERT INTO kinds VALUES (1);
CREATE TABLE <> (id int NOT NULL, day date NOT NULL, kind int NOT NULL REFERENCES kinds,
    twice int GENERATED ALWAYS AS (id * 2) STORED, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE INDEX ON <> (day, kind);
CREATE TABLE <_before> PARTITION OF <> FOR VALUES FROM (MINVALUE) TO ('2024-01-01');
CREATE TABLE <_2024h1> PARTITION OF <> FOR VALUES FROM ('2024-01-01') TO ('2024-07-01');
CREATE TABLE <_2024h2> PARTITION OF <> FOR VALUES FROM ('2024-07-01') TO ('2025-01-01');
CREATE TABLE <_after> PARTITION OF <> FOR VALUES FROM ('2025-01-01') TO (MAXVALUE);
GRANT SELECT ON <_2024h1> TO PUBLIC;
ALTER TABLE <_2024h1> SET (fillfactor = 70);
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''append only''; END';
CREATE TRIGGER keep BEFORE DELETE ON <> FOR EACH ROW EXECUTE FUNCTION refuse();
INSERT INTO <> (id, day, kind) SELECT n, date '2023-10-15' + n, 1 FROM generate_series(0, 259) AS n;
CREATE TABLE other (id int, day timestamp) PARTITION BY RANGE (day);
CREATE TABLE other_w PARTITION OF other FOR VALUES FROM (MINVALUE) TO ('2024-01-15');
CREATE TABLE other_x PARTITION OF other FOR VALUES FROM ('2024-01-15') TO ('2024-04-01');
CREATE TABLE other_rest PARTITION OF other DEFAULT;
""",
    "mariadb": """
CREATE TABLE <> (id INT NOT NULL, day DATE NOT NULL, kind INT NOT NULL,
    twice INT AS (id * 2) STORED,
    PRIMARY KEY (id, day), KEY (day, kind)) PARTITION BY RANGE COLUMNS (day) (
    PARTITION p_before VALUES LESS THAN ('2024-01-01'),
    PARTITION p_2024h1 VALUES LESS THAN ('2024-07-01'),
    PARTITION p_2024h2 VALUES LESS THAN ('2025-01-01'),
    PARTITION p_after VALUES LESS THAN (MAXVALUE));
CREATE TRIGGER keep BEFORE DELETE ON <> FOR EACH ROW SIGNAL SQLSTATE '45000';
INSERT INTO <> (id, day, kind)
    SELECT seq, date '2023-10-15' + INTERVAL seq DAY, 1 FROM seq_0_to_259;
CREATE TABLE other (id INT, day DATETIME) PARTITION BY RANGE (to_days(day)) (
    PARTITION p_w VALUES LESS THAN (to_days('2024-01-15')),
    PARTITION p_x VALUES LESS THAN (to_days('2024-04-01')),
    PARTITION p_rest VALUES LESS THAN MAXVALUE);
""",
}
OTHERS = (
    "INSERT INTO other VALUES (1, '2024-01-03 10:00:00'), (2, '2024-01-15 00:00:00'), "
    "(3, '2024-03-31 23:59:59'), (4, '2030-01-01 00:00:00')"
)
COARSE = ["2024-01-01", "2024-07-01", "2025-01-01", "None"]
MONTHS_OF_2024 = [f"2024-{month:02}-01" for month in range(2, 13)]
FINE = [
    "2023-10-01",
    "2023-11-01",
    "2023-12-01",
    "2024-01-01",
    *MONTHS_OF_2024,
    "2025-01-01",
    "None",
]


def named(engine: str, text: str) -> str:
    """Return `text` with the names in it quoted."""
    mark = "`" if engine == "mariadb" else '"'

    def quoted(found: re.Match[str]) -> str:
        return mark + (NAME + found[1]).replace(mark, 2 * mark) + mark

    return re.sub(r"<(\w*)>", quoted, text)


def run(server: Server, text: str) -> None:
    for statement in named(server.engine, text).strip().removesuffix(";").split(";\n"):
        server.execute(statement)


def ask(server: Server, text: str) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in server.rows(named(server.engine, text))]


@pytest.fixture
def filled(server: Server) -> Server:
    run(server, TABLES[server.engine])
    run(server, OTHERS)
    if server.engine == "postgresql" and server.version >= (17, 0):
        run(server, "ALTER TABLE <> ALTER id ADD GENERATED ALWAYS AS IDENTITY")
    return server


def split(target: Target, *args: str, table: str = NAME) -> Result:
    asked = ["partitions", "split", "-t", target.url, table, "--format", "json", *args]
    return CliRunner().invoke(main, asked)


def parts(server: Server, table: str = NAME) -> list[str]:
    found = server.fetch(partitions.PARTS)
    return [each.part_name for each in found if each.table_name == table]


def ends(server: Server, table: str = NAME) -> list[str]:
    found = server.fetch(partitions.PARTS)
    return [str(each.ends_on) for each in found if each.table_name == table]


def rows(server: Server) -> list[tuple[object, ...]]:
    return ask(server, "SELECT id, day, kind, twice FROM <> ORDER BY id")


def part(server: Server, end: str) -> str:
    """Return a partition of the table, as it stands after FROM."""
    found = named(server.engine, f"<{end}>")
    return found if server.engine == "postgresql" else named("mariadb", f"<> PARTITION (p{end})")


def test_each_month_is_a_partition_and_holds_the_rows_that_it_had(
    filled: Server, target: Target
) -> None:
    whole = rows(filled)
    assert len(whole) == 260
    planned = split(target, "--plan")
    assert planned.exit_code == 0, planned.stderr
    steps = json.loads(planned.stdout)
    assert "exclusive" in {each["lock"] for each in steps}
    assert any("182 rows move into 6 partitions" in each["why"] for each in steps)
    refused = split(target)
    assert (refused.exit_code, "--yes" in refused.stderr) == (5, True)
    assert (ends(filled), rows(filled)) == (COARSE, whole)
    done = split(target, "--yes")
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert [(each["outcome"], each["partitions"], each["rows_moved"]) for each in answer] == [
        ("split", 4, 78),
        ("split", 6, 182),
        ("split", 6, 0),
    ]
    assert ends(filled) == FINE
    assert rows(filled) == whole
    made = parts(filled)
    assert [name for each in answer for name in (each["first"], each["last"])] == [
        made[place] for place in (0, 3, 4, 9, 10, 15)
    ]
    held = {
        end: ask(filled, f"SELECT count(*), min(day), max(day) FROM {part(filled, end)}")
        for end in ("_2023m10", "_2024m02", "_2024m12", "_before")
    }
    assert [each[0][0] for each in held.values()] == [17, 29, 0, 0]
    assert [str(day) for day in held["_2024m02"][0][1:]] == ["2024-02-01", "2024-02-29"]
    with pytest.raises(ServerError):  # the trigger came along
        run(filled, "DELETE FROM <> WHERE id = 100")
    again = split(target)
    assert (again.exit_code, json.loads(again.stdout)) == (0, [])
    assert "nothing to split" in again.stderr
    assert "nothing to split" in split(target, "--plan").stderr


def opened(server: Server) -> set[str]:
    """Return the partitions that a question with a date opens."""
    asked = "SELECT * FROM <> WHERE day = '2024-03-05'"
    if server.engine == "mariadb":
        found = server.rows(named("mariadb", f"EXPLAIN PARTITIONS {asked}"))
        return {str(row["partitions"]).removeprefix("p_") for row in found}
    return set(re.findall(r"_(20\d\d[mh]\d+)", str(ask(server, f"EXPLAIN {asked}"))))


def test_a_question_with_a_date_opens_one_month(filled: Server, target: Target) -> None:
    before = opened(filled)
    assert split(target, "--from", "2024-01-01", "--to", "2024-07-01", "--yes").exit_code == 0
    assert (before, opened(filled)) == ({"2024h1"}, {"2024m03"})


def test_dates_say_what_is_split(filled: Server, target: Target) -> None:
    whole = rows(filled)
    empty = split(target, "--from", "2024-07-01")  # nothing moves, nothing to agree to
    assert [each["rows_moved"] for each in json.loads(empty.stdout)] == [0], empty.stderr
    assert ends(filled)[:3] == ["2024-01-01", "2024-07-01", "2024-08-01"]
    first = split(target, "--from", "2023-12-15", "--to", "2024-01-01", "--yes")
    assert [each["rows_moved"] for each in json.loads(first.stdout)] == [78], first.stderr
    assert ends(filled)[:4] == ["2023-12-01", "2024-01-01", "2024-07-01", "2024-08-01"]
    assert ask(filled, f"SELECT count(*) FROM {part(filled, '_before')}") == [(47,)]
    quarter = split(target, "--every", "quarter", "--yes")
    assert quarter.exit_code == 0, quarter.stderr
    assert [each[-7:] for each in parts(filled)][:5] == [
        "_before",
        "_2023q4",
        "2023m12",
        "_2024q1",
        "_2024q2",
    ]
    assert ends(filled)[:5] == [
        "2023-10-01",
        "2023-12-01",
        "2024-01-01",
        "2024-04-01",
        "2024-07-01",
    ]
    assert rows(filled) == whole
    assert split(target, "--from", "2024-05-01", "--to", "2024-05-01").exit_code == 2
    assert split(target, table="no such").exit_code == 2
    many = split(target, "--from", "1990-01-01")
    assert (many.exit_code, "more than 240" in many.stderr) == (2, True)


def test_times_of_day_and_bounds_within_a_month(filled: Server, target: Target) -> None:
    whole = ask(filled, "SELECT id, day FROM other ORDER BY id")
    done = split(target, "--yes", table="other")
    assert done.exit_code == 0, done.output
    assert ends(filled, "other")[:6] == [
        "2024-01-01", "2024-01-15", "2024-02-01", "2024-03-01", "2024-04-01", "None",
    ]  # fmt: skip
    made = [each.split("_", 1)[1] for each in parts(filled, "other")]
    assert made == ["w", "2024m01", "2024m01d15", "2024m02", "2024m03", "rest"]
    assert ask(filled, "SELECT id, day FROM other ORDER BY id") == whole


def test_what_would_be_lost_or_is_not_known_is_refused(filled: Server, target: Target) -> None:
    whole = rows(filled)
    if filled.engine == "mariadb":
        run(
            filled,
            "CREATE TABLE held (id INT, day DATE) PARTITION BY RANGE (to_days(day)) "
            "SUBPARTITION BY HASH (id) SUBPARTITIONS 2 ("
            "PARTITION p_1 VALUES LESS THAN (to_days('2024-01-01')),"
            "PARTITION p_2 VALUES LESS THAN (to_days('2025-01-01')));\n"
            "CREATE TABLE noons (id INT, day DATETIME) PARTITION BY RANGE COLUMNS (day) ("
            "PARTITION p_1 VALUES LESS THAN ('2024-01-01'),"
            "PARTITION p_2 VALUES LESS THAN ('2025-01-01 12:00:00'));\n"
            "INSERT INTO noons VALUES (1, '2023-05-05 00:00:00');",
        )
        why = {"held": "partitions of its own", "noons": "ends within a day"}
    else:
        run(
            filled,
            "CREATE TABLE held (id int, day date) PARTITION BY RANGE (day);\n"
            "CREATE TABLE held_2 PARTITION OF held FOR VALUES FROM ('2024-01-01') "
            "TO ('2025-01-01') PARTITION BY LIST (id);\n"
            "CREATE TABLE noons (id int, day timestamp) PARTITION BY RANGE (day);\n"
            "CREATE TABLE noons_2 PARTITION OF noons FOR VALUES FROM ('2024-01-01') "
            "TO ('2025-01-01 12:00:00');\n"
            "CREATE INDEX ON <_2024h1> (kind);\n"
            "ALTER TABLE <_2024h1> ADD CONSTRAINT little CHECK (id < 1000);\n"
            "CREATE TABLE <_2024m08> (n int);\n"
            "CREATE TABLE <_2024m08d01> (n int);",
        )
        why = {"held": "partitions of its own", "noons": "begin and end with a day"}
        said = split(target, "--from", "2024-01-01", "--yes")
        notes = [each["note"] for each in json.loads(said.stdout)]
        assert (said.exit_code, len(notes)) == (5, 2)
        assert "constraint little" in notes[0]
        assert "kind_idx" in notes[0]
        assert "_2024m08d01 is there already" in notes[1]
        run(filled, "DROP TABLE <_2024m08d01>")
        done = split(target, "--from", "2024-07-01", "--yes")  # a name that is free is taken
        assert (done.exit_code, parts(filled)[3][-11:]) == (0, "_2024m08d01")
    for table, reason in why.items():
        before = ends(filled, table)
        said = split(target, "--yes", table=table)
        assert said.exit_code == 5, said.output
        answer = json.loads(said.stdout)
        assert {each["outcome"] for each in answer} == {"refused"}
        assert reason in answer[-1]["note"]
        assert reason in split(target, "--plan", table=table).stderr
        assert ends(filled, table) == before
    assert rows(filled) == whole


def test_who_is_in_the_way_is_named_and_the_table_is_as_before(
    filled: Server, target: Target
) -> None:
    whole = rows(filled)
    wanted = ("--from", "2024-01-01", "--to", "2024-07-01", "--yes", "--lock-timeout", "1")
    with connect(target, application="a report") as reader, reader.transaction():
        ask(reader, "SELECT id FROM <>")
        said = split(target, *wanted, "--tries", "1")
    (answer,) = json.loads(said.stdout)
    assert (said.exit_code, answer["outcome"], answer["partitions"]) == (1, "failed", 0)
    assert "a report" in answer["note"]
    assert (ends(filled), rows(filled)) == (COARSE, whole)
    assert split(target, *wanted).exit_code == 0
    assert rows(filled) == whole


# The session of a run that rows are on their way in, and what ends it.
WAITS = {
    "postgresql": "SELECT pid FROM pg_stat_activity WHERE wait_event = 'advisory' "
    "AND application_name = 'stockops partitions' AND datname = current_database()",
    "mariadb": "SELECT id FROM information_schema.processlist "
    "WHERE db = database() AND info LIKE 'ALTER TABLE%'",
}
KILL = {"postgresql": "SELECT pg_terminate_backend({})", "mariadb": "KILL {}"}
# What keeps rows on their way: on PostgreSQL a lock, on MariaDB there are many of them.
SLOW = {
    "postgresql": "CREATE FUNCTION slow(id int) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN "
    "IF id > 150 THEN PERFORM pg_advisory_xact_lock_shared(77); END IF; RETURN true; END$$;\n"
    "ALTER TABLE <> ADD CHECK (slow(id));",
    "mariadb": "INSERT INTO <> (id, day, kind) SELECT 1000 + seq, "
    "date '2024-01-01' + INTERVAL seq % 180 DAY, 1 FROM seq_1_to_150000;",
}


def test_what_a_killed_run_has_begun_is_as_before_and_the_next_one_does_the_rest(
    filled: Server, target: Target
) -> None:
    """
    Killed with rows on their way, on PostgreSQL with one partition split before.

    On MariaDB the server does its statement to the end, or all rows stay where they were.
    """
    run(filled, SLOW[filled.engine])
    by_day = "SELECT day, count(*), sum(id), sum(twice) AS t FROM <> GROUP BY day ORDER BY day"
    whole = ask(filled, by_day)
    with connect(target) as holder:
        if filled.engine == "postgresql":
            holder.rows("SELECT pg_advisory_lock(77)")
        asked = ["partitions", "split", "-t", target.url, NAME, "--yes", "--lock-timeout", "120"]
        process = subprocess.Popen(
            [sys.executable, "-m", "stockops", *asked],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        with ending(process):
            eventually(lambda: ask(filled, WAITS[filled.engine]) or process.poll() is not None)
            process.kill()
            process.wait(timeout=30)
            for (session,) in ask(filled, WAITS[filled.engine]):
                with suppress(ServerError):  # it may have ended by itself
                    filled.execute(KILL[filled.engine].format(session))
    eventually(lambda: not ask(filled, WAITS[filled.engine]))
    first_alone = [*FINE[:4], *COARSE[1:]]
    at = [first_alone] if filled.engine == "postgresql" else [COARSE, FINE]
    assert ends(filled) in at
    assert ask(filled, by_day) == whole
    eventually(lambda: ended(target))
    assert (ends(filled), ask(filled, by_day)) == (FINE, whole)


def ended(target: Target) -> bool:
    """Tell whether a run did the rest: not while the lock of the killed one is not free yet."""
    said = split(target, "--yes")
    assert said.exit_code in {0, 6}, said.stderr
    return said.exit_code == 0


def test_rows_that_a_constraint_would_not_take_stay_where_they_are(
    filled: Server, target: Target
) -> None:
    """A foreign key that was got around is found once all rows are copied, on PostgreSQL."""
    if filled.engine == "mariadb":
        pytest.skip("a table with partitions has no foreign keys there")
    run(
        filled,
        "SET session_replication_role = replica;\n"
        "INSERT INTO <> (id, day, kind) OVERRIDING SYSTEM VALUE VALUES (900, '2024-06-30', 2);\n"
        "RESET session_replication_role;",
    )
    whole = rows(filled)
    said = split(target, "--from", "2024-01-01", "--yes")
    first, second = json.loads(said.stdout)
    assert (said.exit_code, first["outcome"], second["outcome"]) == (1, "failed", "split")
    assert "foreign key" in first["note"]
    assert rows(filled) == whole
    assert ends(filled)[:3] == ["2024-01-01", "2024-07-01", "2024-08-01"]


def test_rows_that_go_missing_on_the_way_are_seen_and_nothing_is_kept(
    filled: Server, target: Target
) -> None:
    if filled.engine == "mariadb":
        pytest.skip("nothing that a user made runs within its statement")
    whole = rows(filled)
    run(
        filled,
        "CREATE FUNCTION lose() RETURNS event_trigger LANGUAGE plpgsql "
        "AS $$BEGIN DELETE FROM <_2024m03>; END$$;\n"
        "CREATE EVENT TRIGGER losing ON ddl_command_end WHEN TAG IN ('DROP TABLE') "
        "EXECUTE FUNCTION lose();",
    )
    said = split(target, "--from", "2024-01-01", "--to", "2024-07-01", "--yes")
    (answer,) = json.loads(said.stdout)
    assert (said.exit_code, answer["outcome"]) == (1, "failed")
    assert "had 182 rows, and those in its place have 151" in answer["note"]
    assert (ends(filled), rows(filled)) == (COARSE, whole)


def test_a_new_partition_has_what_the_old_one_had(filled: Server, target: Target) -> None:
    if filled.engine == "mariadb":
        pytest.skip("it grants nothing on a partition, and keeps no options of one")
    assert split(target, "--from", "2024-01-01", "--to", "2024-07-01", "--yes").exit_code == 0
    grants = filled.fetch(partitions.GRANTS, part_schema="public", part_name=f"{NAME}_2024m05")
    assert [(each.privileges, each.grantee) for each in grants] == [("SELECT", "PUBLIC")]
    built = ask(
        filled,
        "SELECT c.reloptions::text, count(x.*) AS indexes, bool_and(x.indisvalid), "
        "(SELECT count(*) FROM pg_constraint AS k "
        "WHERE k.conrelid = c.oid AND k.contype = 'f') AS foreign_keys "
        "FROM pg_class AS c JOIN pg_index AS x ON x.indrelid = c.oid "
        "WHERE c.relname LIKE '%_2024m0%' AND c.relkind = 'r' GROUP BY c.oid",
    )
    assert built == [("{fillfactor=70}", 2, True, 1)] * 6
    left = ask(filled, "SELECT relname FROM pg_class WHERE relname ~ 'stockops_split|2024h1'")
    assert left == []
