"""Partitions for the months ahead: planned, made, and whole whatever stands in the way."""

import json
from datetime import date

import pytest
from click.testing import CliRunner, Result

from stockops import partitions, schema
from stockops.cli.main import main
from stockops.engine import connect
from stockops.engine.base import Server
from stockops.errors import ServerError
from stockops.plan import Consent
from stockops.sessions.waiting import Patience
from stockops.targets import Target

# `events` ends openly and holds rows that belong into what is missing, `closed` has an end, `other`
# ends openly in the engine's other way and began in the middle of a month; `plain` has no dates.
TABLES = {
    "postgresql": """
CREATE TABLE kinds (kind int PRIMARY KEY);
INSERT INTO kinds VALUES (1);
CREATE TABLE events (id int NOT NULL, day date NOT NULL, kind int NOT NULL REFERENCES kinds,
    CONSTRAINT events_pk PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE events_after PARTITION OF events FOR VALUES FROM ('2025-01-01') TO (MAXVALUE);
GRANT SELECT ON events_2024 TO PUBLIC;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''append only''; END';
CREATE TRIGGER keep BEFORE DELETE ON events FOR EACH ROW EXECUTE FUNCTION refuse();
INSERT INTO events SELECT n, date '2024-12-30' + n, 1 FROM generate_series(0, 99) AS n;
CREATE TABLE closed (id int, day timestamp) PARTITION BY RANGE (day);
CREATE TABLE closed_2024 PARTITION OF closed FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE other (id int, day date) PARTITION BY RANGE (day);
CREATE TABLE other_x PARTITION OF other FOR VALUES FROM ('2024-01-01') TO ('2024-12-15');
CREATE TABLE other_rest PARTITION OF other DEFAULT;
INSERT INTO other VALUES (1, '2023-01-01'), (2, '2024-12-20');
CREATE TABLE plain (id int) PARTITION BY RANGE (id);
CREATE TABLE plain_1 PARTITION OF plain FOR VALUES FROM (1) TO (2);
""",
    "mariadb": """
CREATE TABLE events (id INT NOT NULL, day DATE NOT NULL, kind INT NOT NULL, PRIMARY KEY (id, day))
    PARTITION BY RANGE COLUMNS (day) (PARTITION p_2024 VALUES LESS THAN ('2025-01-01'),
    PARTITION p_after VALUES LESS THAN (MAXVALUE));
CREATE TRIGGER keep BEFORE DELETE ON events FOR EACH ROW SIGNAL SQLSTATE '45000';
INSERT INTO events SELECT seq, date '2024-12-30' + INTERVAL seq DAY, 1 FROM seq_0_to_99;
CREATE TABLE closed (id INT, day DATETIME)
    PARTITION BY RANGE COLUMNS (day) (PARTITION p_2024 VALUES LESS THAN ('2025-01-01'));
CREATE TABLE other (id INT, day DATE) PARTITION BY RANGE (to_days(day)) (
    PARTITION p_x VALUES LESS THAN (to_days('2024-12-15')),
    PARTITION p_rest VALUES LESS THAN MAXVALUE);
INSERT INTO other VALUES (1, '2023-01-01'), (2, '2024-12-20');
CREATE TABLE plain (id INT) PARTITION BY RANGE (id) (PARTITION p_1 VALUES LESS THAN (2));
""",
}
TODAY = date(2024, 12, 22)
DROP = {
    "postgresql": "DROP TABLE {part}",
    "mariadb": "ALTER TABLE {table} DROP PARTITION {part}",
}


def fill(server: Server) -> None:
    for statement in TABLES[server.engine].strip().removesuffix(";").split(";\n"):
        server.execute(statement)


@pytest.fixture
def filled(server: Server) -> Server:
    fill(server)
    return server


def stockops(target: Target, *args: str) -> Result:
    return CliRunner().invoke(main, ["partitions", args[0], "-t", target.url, *args[1:]])


def ends(server: Server, table: str) -> list[str]:
    """Return the bounds of `table`, in order."""
    found = server.fetch(partitions.PARTS)
    return [str(each.ends_on) for each in found if each.table_name == table]


def lacking(server: Server) -> list[partitions.Table]:
    return partitions.look(server, today=TODAY, ahead=2, every="month")


def test_each_table_lacks_what_begins_where_its_last_one_ends(filled: Server) -> None:
    found = {each.table_name: each for each in lacking(filled)}
    assert found.keys() == {"events", "closed", "other"}
    assert {each.wanted for each in found.values()} == {date(2025, 3, 1)}
    lacks = {name: [str(m.ends_on) for m in each.missing] for name, each in found.items()}
    assert lacks["events"] == lacks["closed"] == ["2025-02-01", "2025-03-01"]
    assert lacks["other"] == ["2025-01-01", "2025-02-01", "2025-03-01"]
    assert {name: each.rows_to_move for name, each in found.items()} == {
        "events": 59,
        "closed": 0,
        "other": 1,
    }
    for every, last in [("quarter", "2025-04-01"), ("half", "2025-07-01"), ("year", "2026-01-01")]:
        tables = partitions.look(filled, today=TODAY, ahead=2, every=every)
        events = next(each for each in tables if each.table_name == "events")
        assert [str(each.ends_on) for each in events.missing] == [last], every
    assert not any(
        each.missing
        for each in partitions.look(filled, today=date(2020, 1, 1), ahead=0, every="month")
    )


def test_what_is_made_holds_its_rows_and_the_next_run_finds_nothing(
    filled: Server, target: Target
) -> None:
    refused = stockops(target, "apply", "--ahead", "1")
    assert (refused.exit_code, "--yes" in refused.stderr) == (5, True)
    assert ends(filled, "events") == ["2025-01-01", "None"]
    asked = stockops(target, "plan", "--ahead", "1", "--format", "json")
    assert asked.exit_code == 1
    missing = {
        each["table_name"].split(".")[1]: each["missing"] for each in json.loads(asked.stdout)
    }
    steps = stockops(target, "apply", "--ahead", "1", "--plan", "--format", "json")
    assert {each["lock"] for each in json.loads(steps.stdout)} == {"exclusive", "none"}
    if filled.engine == "mariadb":  # a KILL loses rows where they are reorganized
        assert [
            each["action"].split("`.")[1].split(" (")[0]
            for each in json.loads(steps.stdout)
            if each["lock"] == "exclusive" and not each["action"].startswith("LOCK TABLES")
        ] == ["`events` PARTITION BY RANGE COLUMNS", "`other` PARTITION BY RANGE"]
    done = stockops(target, "apply", "--ahead", "1", "--yes", "--format", "json")
    assert done.exit_code == 0, done.output
    made = {each["table_name"]: each for each in json.loads(done.stdout)}
    assert {name: each["partitions"] for name, each in made.items()} == missing
    assert made["events"]["rows_moved"] == 98
    assert (made["other"]["rows_moved"], made["closed"]["rows_moved"]) == (1, 0)
    assert stockops(target, "plan", "--ahead", "1").exit_code == 0
    again = stockops(target, "apply", "--ahead", "1", "--format", "json")
    assert {each["outcome"] for each in json.loads(again.stdout)} == {"nothing was missing"}
    (row,) = filled.rows("SELECT count(*) AS n, sum(id) AS total FROM events")
    assert (row["n"], int(row["total"])) == (100, 4950)
    first = made["events"]["partitions"][0]
    if filled.engine == "postgresql":
        held = filled.rows(f"SELECT count(*) AS n FROM {first}")
        grants = filled.fetch(partitions.GRANTS, part_schema="public", part_name=first)
        assert [(each.privileges, each.grantee) for each in grants] == [("SELECT", "PUBLIC")]
        left = filled.rows("SELECT count(*) AS n FROM events_after")
    else:
        held = filled.rows(f"SELECT count(*) AS n FROM events PARTITION ({first})")
        left = filled.rows("SELECT count(*) AS n FROM events PARTITION (p_after)")
    assert (held[0]["n"], left[0]["n"]) == (31, 0)
    with pytest.raises(ServerError):  # the trigger came along
        filled.execute("DELETE FROM events WHERE id = 5")


def test_a_bound_within_a_day_stays_where_it_is(filled: Server, target: Target) -> None:
    if filled.engine == "postgresql":
        pytest.skip("PostgreSQL names no partition that is there already")
    filled.execute("DROP TABLE closed")
    filled.execute(
        "CREATE TABLE closed (id INT, day DATETIME) PARTITION BY RANGE COLUMNS (day) ("
        "PARTITION p_noon VALUES LESS THAN ('2024-06-01 12:00:00'), "
        "PARTITION p_2024 VALUES LESS THAN ('2025-01-01'), "
        "PARTITION p_after VALUES LESS THAN (MAXVALUE))"
    )
    filled.execute("INSERT INTO closed VALUES (1, '2025-01-02')")
    done = stockops(target, "apply", "--ahead", "1", "--yes", "--format", "json")
    assert done.exit_code == 0, done.output
    [noon] = filled.rows(
        "SELECT partition_description AS until FROM information_schema.partitions "
        "WHERE table_schema = database() AND partition_name = 'p_noon'"
    )
    assert noon["until"] == "'2024-06-01 12:00:00'"


def test_who_is_in_the_way_is_named_and_the_table_is_as_before(
    filled: Server, target: Target
) -> None:
    consent = Consent(yes=True)
    with connect(target, application="a report") as reader, reader.transaction():
        reader.rows("SELECT id FROM closed")
        filled.execute("DROP TABLE events")
        filled.execute("DELETE FROM other")
        made = partitions.apply(
            target,
            lacking,
            consent=consent,
            patience=Patience(lock_timeout_s=1, tries=1),
            say=print,
        )
        found = {each.table_name: each for each in made}
        assert found["other"].outcome == "made"
        if filled.engine == "mariadb":  # PostgreSQL attaches beside readers
            assert found["closed"].outcome == "failed"
            assert "a report" in found["closed"].note
            assert ends(filled, "closed") == ["2025-01-01"]
    made = partitions.apply(
        target,
        lacking,
        consent=consent,
        patience=Patience(),
        say=print,
    )
    assert all(each.outcome != "failed" for each in made)
    assert ends(filled, "closed")[-1] == "2025-03-01"


def test_a_database_without_such_tables_is_a_finding(target: Target) -> None:
    for verb in ("plan", "apply"):
        done = stockops(target, verb)
        assert (done.exit_code, "nothing was looked at" in done.stderr) == (1, True), done.output
    assert stockops(target, "plan", "--ahead", "-1").exit_code == 2


def test_a_schema_that_is_built_has_the_months_ahead(target: Target) -> None:
    """Its migrations name partitions up to a date that is past one day."""
    assert CliRunner().invoke(main, ["migrate", "up", "-t", target.url]).exit_code == 0
    planned = stockops(target, "plan", "--ahead", str(schema.AHEAD_MONTHS))
    assert planned.exit_code == 0, planned.output
    table = "technical_indicators"
    with connect(target) as server:
        last = [part for part in server.fetch(partitions.PARTS) if part.table_name == table][-2]
        server.execute(DROP[server.engine].format(table=table, part=last.part_name))
    assert schema.build(target) == []
    assert stockops(target, "plan").exit_code == 1


def test_a_table_that_numbers_its_rows_by_itself_gets_partitions(
    filled: Server, target: Target
) -> None:
    if filled.engine == "mariadb" or filled.version < (17, 0):
        pytest.skip("an identity column and partitions go together from PostgreSQL 17 on")
    filled.execute("ALTER TABLE closed ALTER id SET NOT NULL")
    filled.execute("ALTER TABLE closed ALTER id ADD GENERATED ALWAYS AS IDENTITY")
    done = stockops(target, "apply", "--yes", "--format", "json")
    assert done.exit_code == 0, done.output
    filled.execute("INSERT INTO closed (day) VALUES ('2025-01-02')")
    assert filled.rows("SELECT id FROM closed") == [{"id": 1}]


PARTED = {
    "postgresql": "CREATE TABLE sums ({}, tax int GENERATED ALWAYS AS (won / 10) STORED) "
    "PARTITION BY RANGE (day);"
    "CREATE TABLE sums_2024 PARTITION OF sums FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');"
    "CREATE TABLE sums_rest (gone int, won int, day date, "
    "tax int GENERATED ALWAYS AS (won / 10) STORED, id int);"
    "ALTER TABLE sums_rest DROP COLUMN gone;"
    "ALTER TABLE sums ATTACH PARTITION sums_rest {};"
    "INSERT INTO sums (id, day, won) VALUES (1, '2025-01-05', 70)",
    "mariadb": "CREATE TABLE sums ({}, tax int GENERATED ALWAYS AS (won DIV 10) STORED) "
    "PARTITION BY RANGE COLUMNS (day) (PARTITION p_2024 VALUES LESS THAN ('2025-01-01'), "
    "PARTITION p_rest VALUES LESS THAN {});"
    "INSERT INTO sums (id, day, won) VALUES (1, '2025-01-05', 70)",
}
OPENLY = {
    "DEFAULT": {"postgresql": "DEFAULT", "mariadb": "(MAXVALUE)"},
    "MAXVALUE": {
        "postgresql": "FOR VALUES FROM ('2025-01-01') TO (MAXVALUE)",
        "mariadb": "(MAXVALUE)",
    },
}


@pytest.mark.parametrize("how", OPENLY)
def test_rows_keep_what_stands_in_each_column(server: Server, target: Target, how: str) -> None:
    """One is computed, and the open partition of PostgreSQL has them in another order."""
    columns = "id int, day date, won int"
    for statement in PARTED[server.engine].format(columns, OPENLY[how][server.engine]).split(";"):
        server.execute(statement)
    done = stockops(target, "apply", "--yes", "--format", "json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)[0]["rows_moved"] == 1
    [row] = server.rows("SELECT id, day, won, tax FROM sums WHERE day < '2025-02-01'")
    assert row == {"id": 1, "day": date(2025, 1, 5), "won": 70, "tax": 7}


def test_a_row_that_comes_after_they_were_counted_is_no_exception(
    filled: Server, target: Target
) -> None:
    """MariaDB copies the table where rows move, and a KILL takes others: so it is counted again."""
    filled.execute("DELETE FROM other WHERE id = 2")

    def counted(server: Server) -> list[partitions.Table]:
        found = [each for each in lacking(server) if each.table_name == "other"]
        filled.execute("INSERT INTO other VALUES (3, '2025-01-20')")
        return found

    def made() -> partitions.Made:
        [said] = partitions.apply(
            target, counted, consent=Consent(yes=True), patience=Patience(), say=print
        )
        return said

    before = ends(filled, "other")
    first = made()
    if filled.engine == "mariadb":
        assert (first.outcome, ends(filled, "other")) == ("failed", before)
        assert "p_rest was empty, and has rows by now" in first.note
        assert made().outcome == "made"
    else:
        assert first.outcome == "made"
    ids = [row["id"] for row in filled.rows("SELECT id FROM other ORDER BY id")]
    assert ids == ([1, 3, 3] if filled.engine == "mariadb" else [1, 3])
    assert ends(filled, "other")[-2] == "2025-03-01"


def test_later_rows_in_the_open_partition_want_consent_where_they_are_written_again(
    filled: Server, target: Target
) -> None:
    filled.execute("DROP TABLE events")
    filled.execute("DELETE FROM other WHERE id = 2")
    filled.execute("INSERT INTO other VALUES (4, '2199-01-01')")
    plain = stockops(target, "apply", "--ahead", "1", "--format", "json")
    if filled.engine == "mariadb":
        assert (plain.exit_code, "--yes" in plain.stderr) == (5, True)
        planned = stockops(target, "apply", "--ahead", "1", "--plan", "--format", "json")
        steps = [each for each in json.loads(planned.stdout) if "`other`" in each["action"]]
        assert [each["lock"] for each in steps] == ["exclusive"] * 2
        assert "PARTITION BY RANGE" in steps[1]["action"]
        assert "p_rest has later rows" in steps[1]["why"]
        plain = stockops(target, "apply", "--ahead", "1", "--yes", "--format", "json")
    assert plain.exit_code == 0, plain.output
    assert [row["id"] for row in filled.rows("SELECT id FROM other ORDER BY id")] == [1, 4]
