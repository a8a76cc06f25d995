"""Somebody dropped it: the place is found, and what was there before comes back."""

import json
import re
import runpy
import secrets
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from conftest import Labs, eventually
from manifests import LAST, add
from market import small_plan
from promises import Told

from stockops import books, journal, numbering
from stockops import lab as labs
from stockops.backups import archive, finding, names, repository, rescuing, restoring
from stockops.backups.archive import wal
from stockops.backups.finding.naming import Loss, losses, matches
from stockops.backups.finding.places import redacted
from stockops.backups.finding.waldump import Commit, Names, is_named
from stockops.backups.repository import Repository
from stockops.cli import main
from stockops.engine import connect
from stockops.engine.base import Server
from stockops.errors import ConfigError, Refused, ServerError, Unsupported
from stockops.targets import Target

PAGE = runpy.run_path(str(Path(__file__).parent.parent / "scripts" / "recovery_page.py"))
SOON_S = 60.0
ODD = 'odd "name`s'  # as a table is called that nobody meant to be found again


@dataclass(slots=True)
class Ruin:
    """A server on which tables were dropped under load, its archive, and the marks before it."""

    story: Any
    repo: Repository
    system: str
    marks: dict[str, str] = field(default_factory=dict)  # aims, by the last mark before them

    @property
    def target(self) -> Target:
        found: Target = self.story.target
        return found

    @property
    def engine(self) -> str:
        return str(self.story.lab.engine)

    def find(self, **asked: Any) -> finding.Found:
        return finding.find(self.repo, self.system, finding.wanted(**asked))

    def aim(self, text: str) -> restoring.Recovery:
        aim = restoring.parse(text, engine=self.engine)
        return restoring.plan(self.repo, aim, system=self.system)

    def cli(self, *words: str) -> Any:
        return CliRunner().invoke(main, ["backup", *words, "--repository", self.repo.store.place])


def quoted(engine: str, name: str) -> str:
    mark = '"' if engine == "postgresql" else "`"
    return mark + name.replace(mark, mark * 2) + mark


def dotted(engine: str) -> str:
    """A table whose name has a dot; on PostgreSQL in a schema that must be named."""
    return 'elsewhere."odd.users"' if engine == "postgresql" else "trading.`odd.users`"


def make_parted(server: Server) -> None:
    """A table of two partitions, on PostgreSQL one of them of one more, and with a foreign key."""
    columns = "d INT, n INT, user_id BIGINT"
    if server.engine == "mariadb":
        server.execute(
            f"CREATE TABLE parted ({columns}, PRIMARY KEY (d, n)) PARTITION BY RANGE (d) "
            "(PARTITION parted_1 VALUES LESS THAN (100), PARTITION parted_2 VALUES LESS THAN (200))"
        )
        server.execute("INSERT INTO parted SELECT seq, 1, NULL FROM seq_0_to_199")
        return
    for sql in (
        f"CREATE TABLE parted ({columns} REFERENCES users, PRIMARY KEY (d, n)) "
        "PARTITION BY RANGE (d)",
        "CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (100)",
        "CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (100) TO (200) "
        "PARTITION BY LIST (n)",
        "CREATE TABLE parted_2a PARTITION OF parted_2 FOR VALUES IN (1)",
        "INSERT INTO parted SELECT d, 1, NULL FROM generate_series(0, 199) AS d",
    ):
        server.execute(sql)


def make_odd(server: Server) -> None:
    """A table with what a copy could stumble over."""
    odd = quoted(server.engine, ODD)
    if server.engine == "postgresql":
        server.execute(
            f"CREATE TABLE {odd} (a BIGINT GENERATED ALWAYS AS IDENTITY, b SERIAL, said TEXT, "
            "twice BIGINT GENERATED ALWAYS AS (a * 2) STORED, raw BYTEA, made JSON, "
            "user_id BIGINT REFERENCES users, CHECK (a > 0), UNIQUE (b), PRIMARY KEY (a, b))"
        )
        server.execute(
            f"INSERT INTO {odd} (said, raw, made, user_id) SELECT 'it''s \\ ' || g, '\\x00ff0a', "
            "'{\"k\": 1}', (SELECT min(user_id) FROM users) FROM generate_series(1, 500) AS g"
        )
        return
    server.execute(
        f"CREATE TABLE {odd} (a BIGINT AUTO_INCREMENT, b INT DEFAULT 1, said TEXT, "
        "twice BIGINT AS (b * 2) STORED, raw VARBINARY(9), made JSON, user_id BIGINT, "
        "CONSTRAINT odd_user FOREIGN KEY (user_id) REFERENCES users (user_id), "
        "CONSTRAINT odd_check CHECK (b > 0), PRIMARY KEY (a, b))"
    )
    server.execute(
        f"INSERT INTO {odd} (said, raw, made, user_id) SELECT concat('it''s \\\\ ', seq), "
        "x'00ff0a', '{\"k\": 1}', (SELECT min(user_id) FROM users) FROM seq_1_to_500"
    )


def change_odd(server: Server) -> None:
    """Two rows differ, three are gone, one is new."""
    odd = quoted(server.engine, ODD)
    server.execute(f"UPDATE {odd} SET said = upper(said) WHERE a IN (1, 2)")
    server.execute(f"DELETE FROM {odd} WHERE a > 497")
    server.execute(f"INSERT INTO {odd} (said) VALUES ('new')")


def mark(ruin: Ruin, server: Server, number: int) -> None:
    """Write the mark `number`, and note every way to say that it is the last one."""
    server.execute("INSERT INTO marks VALUES (%(n)s)", {"n": number})
    if server.engine == "postgresql":
        row = server.rows(
            "SELECT pg_current_wal_insert_lsn()::text AS lsn, clock_timestamp() AS at, "
            "(SELECT xmin::text FROM marks ORDER BY n DESC LIMIT 1) AS xid, "
            "pg_create_restore_point(%(name)s)::text AS point",
            {"name": f"mark {number}"},
        )[0]
        ruin.marks |= {"lsn": f"lsn:{row['lsn']}", "xid": f"xid:{row['xid']}"}
        ruin.marks |= {"name": f"name:mark {number}", "time": row["at"].isoformat()}
        return
    gtid = str(server.rows("SELECT @@last_gtid AS it")[0]["it"])
    place = server.rows("SHOW MASTER STATUS")[0]
    at = server.rows("SELECT utc_timestamp(6) AS at")[0]["at"].replace(tzinfo=UTC)
    ruin.marks |= {"gtid": f"gtid:{gtid}", "file": f"file:{place['File']}:{place['Position']}"}
    ruin.marks |= {"time": at.isoformat()}


def second_goes_by(server: Server) -> None:
    """Wait until MariaDB's log, which knows whole seconds, tells what comes from what was."""
    sql = "SELECT to_char(clock_timestamp(), 'SS') AS s"
    sql = sql if server.engine == "postgresql" else "SELECT second(utc_timestamp()) AS s"
    began = server.rows(sql)[0]["s"]
    eventually(lambda: server.rows(sql)[0]["s"] != began)


def ruin_of(engine: str, work: Path, market: Path) -> Iterator[Ruin]:
    with PAGE["story"](engine, work, seed=small_plan(market), prepare=prepare) as story:
        repo = repository.opened(str(story.repository))
        ruin = Ruin(story, repo, repo.one_system())
        with connect(ruin.target) as server:
            server.execute("TRUNCATE TABLE noted")
            server.execute("CREATE TABLE later (n BIGINT PRIMARY KEY)")
            mark(ruin, server, 1)
            second_goes_by(server)
            server.execute("INSERT INTO marks VALUES (2)")
            change_odd(server)
            server.execute(f"DROP TABLE {dotted(ruin.engine)}")
            server.execute("DROP TABLE later")
            server.execute("DROP TABLE noted")
        PAGE["disaster"](story)
        with connect(ruin.target) as server:
            server.execute("DROP TABLE copied")
        eventually(lambda: ruin.find(table="copied").places, within_s=SOON_S)
        yield ruin


def prepare(target: Target) -> None:
    with connect(target) as server:
        server.execute("CREATE TABLE marks (n BIGINT PRIMARY KEY)")
        server.execute("CREATE TABLE copied AS SELECT * FROM users")
        server.execute("CREATE TABLE noted AS SELECT * FROM users")
        make_odd(server)
        make_parted(server)
        if server.engine == "postgresql":
            server.execute("CREATE SCHEMA elsewhere")
        server.execute(f"CREATE TABLE {dotted(server.engine)} AS SELECT * FROM users")


@pytest.fixture(scope="module")
def pg(all_labs: Labs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ruin]:
    all_labs.get("postgresql")  # skips where it is not there
    with PAGE["workplace"]() as work:
        yield from ruin_of("postgresql", work, tmp_path_factory.mktemp("market"))


@pytest.fixture(scope="module")
def my(all_labs: Labs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ruin]:
    all_labs.get("mariadb")
    with PAGE["workplace"]() as work:
        yield from ruin_of("mariadb", work, tmp_path_factory.mktemp("market"))


@pytest.fixture(params=["mariadb", "postgresql"])
def ruin(request: pytest.FixtureRequest) -> Ruin:
    found: Ruin = request.getfixturevalue({"postgresql": "pg", "mariadb": "my"}[request.param])
    return found


def test_who_dropped_a_table_is_found_and_what_was_before_comes_back(ruin: Ruin) -> None:
    """The whole story, as the page tells it: no acknowledged order is lost, the books hold."""
    story = ruin.story
    PAGE["recovery"](story)
    assert story.shown["find"].said.count("before  stockops backup restore --to") == 1
    assert re.search(r"acknowledged but missing +0\n", story.shown["audit"].said)
    assert "violated" not in story.shown["books"].said
    assert re.search(r"orders_1430 +[\d,]+ rows", story.shown["rescue"].said)
    assert re.search(r"\borders +gone", story.shown["rescue"].said)
    put_back = re.search(r"```sql\n(.*?)```", PAGE["PAGE"].read_text("utf-8"), re.DOTALL)
    assert put_back is not None
    postgresql, mariadb = re.split(r"-- MariaDB.*\n", put_back[1])
    with connect(ruin.target) as server:
        for line in (postgresql if ruin.engine == "postgresql" else mariadb).splitlines():
            if not line.startswith("--"):
                server.execute(line)
        assert journal.audit(server, story.journal).findings["missing"] == 0
        assert {each.state for each in books.check(server)} == {"held"}
        with pytest.raises(ServerError, match="foreign key"):
            server.execute("DELETE FROM orders")


def test_the_page_says_what_the_commands_say(ruin: Ruin) -> None:
    """Figures and names of files are of their day; the words are not."""
    if not ruin.story.aim:
        pytest.skip("the story was not told in this run")
    for name in ruin.story.shown.keys() - {"books"}:  # what it looks at depends on what was traded
        require_on_page(ruin, name)


def require_on_page(ruin: Ruin, name: str) -> None:
    page = {words(line) for line in PAGE["PAGE"].read_text("utf-8").splitlines()}
    for line in filter(None, map(words, ruin.story.shown[name].said.splitlines())):
        assert line in page, (name, line)


def words(line: str) -> str:
    """What stays of a line from one day to the next."""
    return " ".join(re.findall(r"(?<![\w.:/-])[a-z_]{3,}(?![\w:/-]*\d)", line))


def test_truncate_is_told_from_drop_and_a_table_made_later_is_not_forgotten(ruin: Ruin) -> None:
    kinds = [place.what for place in ruin.find(table="noted").places]
    wanted = {"mariadb": ["truncate", "drop"], "postgresql": ["truncate or rewrite", "drop"]}
    assert kinds == wanted[ruin.engine]
    later = ruin.find(table="later")
    if ruin.engine == "mariadb":
        assert [place.tables for place in later.places] == [["trading.later"]]
        return
    # PostgreSQL's log has no names, and no backup has seen this table.
    assert not later.places
    assert any("file base/" in each for place in later.unknown for each in place.tables)
    assert ruin.cli("find", "--drop-table", "later").exit_code == 1
    # Had `noted` been made again, its second end would have no name either: it is told beside.
    assert ruin.find(table="noted").unknown == later.unknown
    said = ruin.cli("find", "--drop-table", "noted").stdout
    assert f"restore --to {later.unknown[0].aim} --lab" in said
    assert "--table 'file" not in said
    assert not ruin.find(table="copied").unknown  # which went after it


def test_with_a_time_alone_everything_that_went_is_found(ruin: Ruin) -> None:
    now = datetime.now(UTC)
    found = ruin.find(since=now - timedelta(hours=1))
    tables = {each.rpartition(".")[2] for place in found.places for each in place.tables}
    assert {"orders", "noted", "copied"} <= tables
    assert not ruin.find(since=now + timedelta(hours=1)).places
    assert not ruin.find(table="orders", until=now - timedelta(hours=1)).places


def test_a_statement_is_found_where_the_log_has_statements(ruin: Ruin) -> None:
    if ruin.engine == "postgresql":
        with pytest.raises(Unsupported, match="not statements"):
            ruin.find(statement="DELETE FROM")
        said = ruin.cli("find", "--statement", "DELETE FROM")
        assert said.exit_code == 4
        return
    [place] = ruin.find(statement=r"delete from `odd").places
    assert place.statement is not None
    assert "WHERE a > 497" in place.statement
    assert place.database == "trading"
    said = ruin.cli("find", "--statement", "WHERE a > 497", "--format", "json")
    answer = json.loads(said.stdout)
    assert [each["aim"] for each in answer["places"]] == [place.aim]
    assert [each["at"] for each in answer["places"]] == [place.at.isoformat()]
    assert answer["read_until"][10] == "T"


def test_a_client_that_speaks_euc_kr_is_understood(my: Ruin) -> None:
    """The log has what a client sent, in the character set of the client."""
    sql = (
        "SET NAMES euckr; CREATE TABLE `주문` (`번호` INT PRIMARY KEY);"
        "INSERT INTO `주문` VALUES (1); DELETE FROM `주문` WHERE `번호` = 1;"
        "TRUNCATE `주문`; DROP TABLE `주문`;"
    )
    client = labs.client(my.story.lab.name, database=my.target.database)
    subprocess.run(client, input=sql.encode("cp949"), check=True, timeout=SOON_S)
    eventually(
        lambda: [each.what for each in my.find(table="주문").places] == ["truncate", "drop"],
        within_s=SOON_S,
    )
    [place] = my.find(statement="^delete from `주문` where").places
    assert place.statement == "DELETE FROM `주문` WHERE `번호` = 1"


def test_what_is_not_there_exits_1_and_says_how_far_it_was_read(ruin: Ruin) -> None:
    said = ruin.cli("find", "--drop-table", "nothing")
    assert said.exit_code == 1
    assert re.search(r"was read from \S+ to \S+, up to \d{4}-", said.stdout)


def test_where_no_log_goes_on_from_a_backup_that_is_said(tmp_path: Path) -> None:
    repo = repository.make(str(tmp_path / "repository"))
    add(repo, LAST)
    words = ["backup", "find", "--drop-table", "orders", "--repository", repo.store.place]
    said = CliRunner().invoke(main, words)
    assert said.exit_code == 1
    assert (
        "No log goes on from a backup, so nothing was read: stockops backup windows" in said.stderr
    )


def test_of_several_systems_the_one_of_a_server_is_meant_and_named(ruin: Ruin) -> None:
    another = Path(ruin.repo.store.place) / "backups" / "pg-1"
    another.mkdir()
    try:
        asked = ruin.cli("find", "--drop-table", "copied")
        assert (asked.exit_code, "Name one with --system" in asked.stderr) == (2, True)
        said = ruin.cli("find", "--drop-table", "copied", "-t", ruin.target.url)
    finally:
        another.rmdir()
    assert said.exit_code == 0, said.output
    assert f"--lab rescued --system {ruin.system}\n" in said.stdout


@pytest.mark.parametrize("words", [[], ["--statement", "("], ["--since", "noon"]])
def test_a_search_that_makes_no_sense_is_refused(my: Ruin, words: list[str]) -> None:
    assert my.cli("find", *words).exit_code == 2


@pytest.mark.parametrize("kind", ["time", "xid"])  # the others are ways to a table, see below
def test_every_way_to_name_a_moment_ends_there(ruin: Ruin, kind: str) -> None:
    if kind not in ruin.marks:
        pytest.skip(f"{ruin.engine} has no {kind}")
    recovery = ruin.aim(ruin.marks[kind])
    phases = restoring.Phases()
    fill = restoring.filling(ruin.repo, recovery, identities=(), phases=phases)
    with labs.temporary(ruin.engine, fill=fill) as copy:
        restoring.finish(copy, recovery, phases=phases)
        with connect(copy.url()) as server:
            assert [row["n"] for row in server.rows("SELECT n FROM marks ORDER BY n")] == [1]


def test_a_place_within_a_transaction_is_before_it_and_one_behind_the_log_is_none(my: Ruin) -> None:
    name, _, offset = my.marks["file"].rpartition(":")
    recovery = my.aim(f"{name}:{int(offset) + 10}")  # in the transaction that comes next
    fill = restoring.filling(my.repo, recovery, identities=(), phases=restoring.Phases())
    with labs.temporary(my.engine, fill=fill) as copy:
        restoring.finish(copy, recovery, phases=restoring.Phases())
        with connect(copy.url()) as server:
            assert [row["n"] for row in server.rows("SELECT n FROM marks ORDER BY n")] == [1]
            said = str(server.rows("SELECT @@gtid_binlog_state AS it")[0]["it"])
    further = int(said.split("-")[2]) - int(my.marks["gtid"].split("-")[2])
    assert 0 <= further < 100  # what the restore itself did; orders were placed 300 times after it
    with pytest.raises(Refused, match="outside what is proven"):
        my.aim(f"{name}:99999999999")


def test_the_replay_of_a_binary_log_is_not_promised_at_the_rate_of_files(my: Ruin) -> None:
    recovery, bare = my.aim(my.find(table="copied").places[-1].aim), my.aim("backup")
    log_bytes = sum(log.raw_bytes for log in recovery.logs)
    assert recovery.predicted_s - bare.predicted_s >= log_bytes / 10e6 > 0


def test_the_beginning_of_a_window_that_is_named_can_be_gone_to(ruin: Ruin) -> None:
    with pytest.raises(Refused) as caught:
        ruin.aim("2001-01-01T00:00Z")
    begins = re.search(r"What is: (\S+ \S+) UTC to", str(caught.value.hint))
    assert begins is not None
    assert ruin.aim(f"{begins[1]}Z").links


@pytest.mark.parametrize("where", ["middle", pytest.param("backup", marks=pytest.mark.soak)])
def test_orders_that_a_restore_lost_are_named_one_by_one_and_no_number_comes_back(
    ruin: Ruin, where: str
) -> None:
    told = Told.of(ruin.story.journal)
    recovery = ruin.aim(middle(ruin, told) if where == "middle" else "backup")
    phases = restoring.Phases()
    fill = restoring.filling(ruin.repo, recovery, identities=(), phases=phases)
    with labs.temporary(ruin.engine, fill=fill) as copy:
        restoring.finish(copy, recovery, phases=phases)
        with connect(copy.url()) as server:
            found = journal.audit(server, ruin.story.journal, examples_max=None)
            there = {row["k"] for row in server.rows("SELECT idempotency_key AS k FROM orders")}
            assert "violated" not in {each.state for each in books.check(server)}
            [now] = server.fetch(numbering.STANDING)
            keys = {key.table_name: key.last_id for key in server.fetch(numbering.KEYS)}
    gone = {key: number for key, number in told.orders.items() if key not in there}
    assert (0 < len(gone) < len(told.orders)) if where == "middle" else gone == told.orders
    missing = [each for each in found.examples if each.what == "missing"]
    cancels = [each.key for each in missing if each.expected.endswith(" cancelled")]
    orders = {each.key: each.order_id for each in missing if each.key not in cancels}
    assert orders.items() <= gone.items()
    assert gone.keys() - orders.keys() <= set(cancels) <= told.cancelled.keys()
    assert (found.missing_cancels, len(missing)) == (len(cancels), len(gone) + len(cancels))
    assert found.missing_won == sum(told.won[key] for key in gone)
    times = told.gone_at(gone, cancels)
    assert (found.missing_from, found.missing_to) == (times[0], times[-1])
    assert found.missing_s == (times[-1] - times[0]).total_seconds() > 0
    assert found.findings["never_sent"] == found.findings["duplicate"] == 0
    assert now.last_id > max(told.orders.values()) + numbering.GAP_IDS // 2
    assert {"conditions", "predictions", "notifications"} <= keys.keys()
    assert min(keys.values()) >= numbering.GAP_IDS


def middle(ruin: Ruin, told: Told) -> str:
    """A moment at which some of the orders were there, and some were not."""
    if ruin.engine == "postgresql":
        return sorted(told.at[key] for key in told.orders)[len(told.orders) // 2].isoformat()
    [drop] = ruin.find(table="orders").places
    domain, server_id, number = re.findall(r"gtid:(\d+)-(\d+)-(\d+)", drop.aim)[0]
    return f"gtid:{domain}-{server_id}-{int(number) - len(told.orders) // 2}"


def test_a_moment_outside_what_is_proven_is_refused_and_the_windows_are_named(ruin: Ruin) -> None:
    now = datetime.now(UTC)
    for moment in (now + timedelta(days=1), now - timedelta(days=1)):
        with pytest.raises(Refused, match="outside what is proven") as caught:
            ruin.aim(moment.isoformat())
        assert f"{now:%Y-%m-%d}" in str(caught.value.hint)
    beyond = {"postgresql": "lsn:FF/0", "mariadb": "gtid:0-1-999999"}[ruin.engine]
    with pytest.raises(Refused, match="outside what is proven") as caught:
        ruin.aim(beyond)
    counted_by = {"postgresql": r"is: \w+/\w+ to ", "mariadb": r"is: binlog\.\d+:\d+ \(0-"}
    assert re.search(counted_by[ruin.engine], str(caught.value.hint))


@pytest.mark.parametrize(
    ("aim", "how"),
    [
        ("xid:4000000000", ("restore", "--lab", f"sought-{secrets.token_hex(4)}")),
        ("name:never made", ("drill",)),
    ],
    ids=["a transaction, by a restore", "a restore point, by a drill"],
)
def test_what_only_a_recovery_can_seek_is_said_to_be_nowhere(
    pg: Ruin, aim: str, how: tuple[str, ...]
) -> None:
    """A drill to a moment that never was says nothing against the backup, which stays as it was."""
    planned = pg.cli("restore", "--to", aim, "--plan")
    assert "only the recovery finds out" in planned.output
    before = [each.state for each in pg.repo.backups()]
    said = pg.cli(*how, "--to", aim)
    assert said.exit_code == 5
    assert [each.state for each in pg.repo.backups()] == before
    assert f"there is no {aim.replace(':', ' ')} in the log from the end of 20" in said.output


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("orders", "orders"),
        ("public.orders", "public.orders"),
        ('public."Odd ""x"" tbl"', 'public.Odd "x" tbl'),
        ("`Odd ``x`` tbl`", "Odd `x` tbl"),
        ('Odd "x" tbl', 'Odd "x" tbl'),
        ('"a.b"."c"', "a.b.c"),
        ("a.b.c", "a.b.c"),
        ('"', '"'),
        ("", ""),
    ],
)
def test_a_name_may_be_typed_as_sql_has_it(typed: str, meant: str) -> None:
    assert names.as_typed(typed) == meant
    assert names.as_typed(names.typed(*names.split(typed))) == meant


def test_a_new_name_is_bare() -> None:
    assert (names.new('"a.b"'), names.new("it's"), names.new("`x`")) == ("a.b", "it's", "x")
    for wrong in ("public.orders_1430", 'public."o"', ""):
        with pytest.raises(ConfigError):
            names.new(wrong)


def test_one_table_comes_back_beside_the_live_one_with_what_differs(ruin: Ruin) -> None:
    before = ruin.marks["name" if ruin.engine == "postgresql" else "file"]
    wish = rescuing.Wish(table=ODD, name="odd rescued", target=ruin.target)
    found = rescuing.rescue(ruin.repo, ruin.aim(before), wish)
    assert (found.rescued_rows, found.live_rows) == (500, 498)
    assert (found.only_rescued, found.only_live, found.changed) == (3, 1, 2)
    assert list(found.key) == ["a", "b"]
    assert len(found.examples["only_rescued"]) == 3
    fresh, odd = (quoted(ruin.engine, name) for name in ("odd rescued", ODD))
    with connect(ruin.target) as server:
        same = server.rows(
            f"SELECT count(*) AS n FROM {fresh} AS r JOIN {odd} AS l ON l.a = r.a AND l.b = r.b "
            "WHERE l.raw = r.raw AND l.twice = r.twice AND l.said = r.said"
        )
        assert same[0]["n"] == 495
        with pytest.raises(ServerError):
            server.execute(f"INSERT INTO {fresh} SELECT * FROM {odd} WHERE a = 3")
    with pytest.raises(Refused, match="already"):
        rescuing.rescue(ruin.repo, ruin.aim(before), wish)
    words = ["restore", "--to", before, "--table", odd, "--as", fresh, "-t", ruin.target.url]
    assert f"there is a table '{wish.name}' in" in ruin.cli(*words).output
    with connect(ruin.target) as server:
        server.execute(f"DROP TABLE {fresh}")


def test_a_table_is_found_and_rescued_by_the_name_that_was_printed(ruin: Ruin) -> None:
    """With its schema where it must be named, and with quotes where a dot is not what it seems."""
    table = dotted(ruin.engine)
    said = ruin.cli("find", "--drop-table", table).stdout
    [command] = re.findall(r"alone +stockops backup (.*) -t TARGET", said)
    words = shlex.split(command)
    assert names.split(words[-1])[1] == "odd.users"
    back = ruin.cli(*words, "-t", ruin.target.url)
    assert back.exit_code == 0, back.output
    with connect(ruin.target) as server:
        rows = [server.rows(f"SELECT count(*) AS n FROM {it}") for it in (table, "users")]
        assert rows[0] == rows[1]
        server.execute(f"DROP TABLE {table}")


def test_a_table_of_another_database_is_refused_before_anything_is_restored(my: Ruin) -> None:
    aim = my.marks["gtid"]
    said = my.cli("restore", "--to", aim, "--table", "mysql.user", "-t", my.target.url, "--plan")
    assert said.exit_code == 2
    assert "whose URL ends with /mysql" in said.stderr


def test_a_table_with_partitions_comes_back_in_its_own_place(ruin: Ruin) -> None:
    before = ruin.aim(ruin.marks["lsn" if ruin.engine == "postgresql" else "gtid"])

    def come_back(name: str) -> None:
        wish = rescuing.Wish(table=name, name=name, target=ruin.target)
        rescuing.rescue(ruin.repo, before, wish)

    with connect(ruin.target) as server:
        server.execute("DROP TABLE parted")
        if ruin.engine == "postgresql":
            with pytest.raises(Refused, match=r"a partition of public\.parted, which is gone, too"):
                come_back("parted_1")
        come_back("parted")
        assert server.rows("SELECT count(*) AS n FROM parted")[0]["n"] == 200
        if ruin.engine == "postgresql":
            server.execute("DROP TABLE parted_2")
            come_back("parted_2")
            assert server.rows("SELECT count(*) AS n FROM parted")[0]["n"] == 200
            with pytest.raises(ServerError):  # there is no such person
                server.execute("UPDATE parted SET user_id = -1 WHERE d = 150")
        else:
            server.execute("ALTER TABLE parted DROP PARTITION parted_2")
            assert server.rows("SELECT count(*) AS n FROM parted")[0]["n"] == 100


def test_a_rescue_without_the_rights_it_takes_is_refused_at_once(ruin: Ruin) -> None:
    make, drop = {
        "postgresql": ("CREATE ROLE guest LOGIN", "DROP ROLE guest"),
        "mariadb": ("CREATE USER guest@localhost", "DROP USER guest@localhost"),
    }[ruin.engine]
    before = ruin.marks["name" if ruin.engine == "postgresql" else "file"]
    guest = replace(ruin.target, url=ruin.target.url.replace("//stockops@", "//guest@"))
    wish = rescuing.Wish(table="users", name="users_2", target=guest)
    with connect(ruin.target) as server:
        server.execute(make)
        try:
            if ruin.engine == "mariadb":
                server.execute(f"GRANT SELECT ON {ruin.target.database}.* TO guest@localhost")
            with pytest.raises(Refused, match=r"it lacks .*CREATE on"):
                rescuing.require_room(ruin.aim(before), wish)
            if ruin.engine == "mariadb":
                server.execute(f"GRANT CREATE ON {ruin.target.database}.* TO guest@localhost")
                with pytest.raises(Refused, match=r"it lacks ALTER on .* DROP on .* INSERT on"):
                    rescuing.require_room(ruin.aim(before), wish)
                server.execute(
                    f"GRANT ALTER, DROP, INSERT ON {ruin.target.database}.* TO guest@localhost"
                )
            else:
                server.execute("GRANT USAGE, CREATE ON SCHEMA public TO guest")
                with pytest.raises(Refused, match=r"it lacks SELECT on public\.users"):
                    rescuing.require_room(ruin.aim(before), wish)
                server.execute("GRANT SELECT ON users TO guest")
            found = rescuing.rescue(ruin.repo, ruin.aim(before), wish)  # with these alone
            assert found.rescued_rows == found.live_rows
            server.execute("DROP TABLE users_2")
        finally:
            if ruin.engine == "postgresql":
                server.execute("DROP OWNED BY guest CASCADE")
            server.execute(drop)


def test_who_is_not_the_owner_is_told_before_anything_is_restored(pg: Ruin) -> None:
    """A table that takes its own place is given to its owner, and a partition to its table's."""
    guest = replace(pg.target, url=pg.target.url.replace("//stockops@", "//guest@"))
    before = pg.aim(pg.marks["lsn"])

    def look(name: str) -> None:
        rescuing.require_room(before, rescuing.Wish(table=name, name=name, target=guest))

    with connect(pg.target) as server:
        for sql in (
            "DROP TABLE IF EXISTS parted_1",
            "CREATE ROLE guest LOGIN",
            "GRANT USAGE, CREATE ON SCHEMA public TO guest",
        ):
            server.execute(sql)
        try:
            with pytest.raises(Refused, match="owned by stockops, and this role cannot"):
                look("copied")
            with pytest.raises(
                Refused, match=r"public\.parted is owned by stockops, and this role"
            ):
                look("parted_1")
            server.execute("GRANT stockops TO guest")
            look("copied")
            look("parted_1")
            if server.version >= (16, 0):
                server.execute("GRANT stockops TO guest WITH SET FALSE")
                with pytest.raises(Refused, match="this role cannot act as that"):
                    look("copied")
                server.execute("GRANT stockops TO guest WITH SET TRUE")
            wish = rescuing.Wish(table="copied", name="copied", target=guest)
            assert rescuing.rescue(pg.repo, before, wish).rescued_rows > 0
            server.execute("DROP TABLE copied")
        finally:
            server.execute("DROP OWNED BY guest CASCADE")
            server.execute("DROP ROLE guest")


def test_a_moment_in_a_gap_is_refused_and_the_windows_are_named(ruin: Ruin, tmp_path: Path) -> None:
    with connect(ruin.target) as server:
        before = len(archive.logs(ruin.repo, ruin.system))
        for number in (10, 11, 12):
            server.execute(f"INSERT INTO marks VALUES ({number})")
            if ruin.engine == "postgresql":
                server.rows("SELECT pg_switch_wal()::text AS it")
            else:
                server.execute("FLUSH BINARY LOGS")
    eventually(lambda: len(archive.logs(ruin.repo, ruin.system)) >= before + 3, within_s=SOON_S)
    torn = shutil.copytree(ruin.repo.store.place, tmp_path / "torn")
    gone = archive.logs(ruin.repo, ruin.system)[-2]
    for path in torn.rglob(f"{gone.name}.*"):
        path.unlink()
    inside = wal.lsn_text(wal.lsn(gone.start.lsn) + 4096) if gone.start.lsn else ""
    aim = f"lsn:{inside}" if ruin.engine == "postgresql" else f"gtid:{gone.end.gtid}"
    for repo, holds in ((ruin.repo, True), (repository.opened(str(torn)), False)):
        wanted = restoring.parse(aim, engine=ruin.engine)
        if holds:
            assert restoring.plan(repo, wanted, system=ruin.system).logs[-1].number >= gone.number
            continue
        with pytest.raises(Refused, match="outside what is proven") as caught:
            restoring.plan(repo, wanted, system=ruin.system)
        assert " to " in str(caught.value.hint)
        last = archive.windows(repo, ruin.system)[-1]
        at_the_gap = restoring.parse(last.end_at.isoformat(), engine=ruin.engine)
        with pytest.raises(Refused, match="outside what is proven"):  # more of it may be behind
            restoring.plan(repo, at_the_gap, system=ruin.system)
        said = replace(ruin, repo=repo).cli("find", "--drop-table", "nothing")
        assert re.search(f"note: a gap, and the log .*{gone.name}", said.stdout)
        assert "It may lie behind the gap" in said.stderr
        found = finding.find(repo, ruin.system, finding.wanted(table="orders"))
        assert len(found.places) == 1
        assert found.last is not None
        assert found.last < gone.name


def test_a_rescue_that_fails_at_its_end_leaves_no_table(ruin: Ruin) -> None:
    before = ruin.marks["lsn" if ruin.engine == "postgresql" else "gtid"]
    # An index comes after the rows; and so does the name, which no table of MariaDB may have.
    name = "orders_x" if ruin.engine == "postgresql" else "orders_x "
    wish = rescuing.Wish(table=ODD, name=name, target=ruin.target)
    with connect(ruin.target) as server:
        server.execute("CREATE TABLE orders_x_pkey (n INT)")
    with pytest.raises(ServerError, match="orders_x"):
        rescuing.rescue(ruin.repo, ruin.aim(before), wish)
    with connect(ruin.target) as server:
        server.execute("DROP TABLE orders_x_pkey")
        tables = tables_of(server)
    assert not [name for name in tables if name.startswith(("orders_x", "stockops_rescue"))]


def tables_of(server: Server) -> list[str]:
    sql = "SELECT table_name AS name FROM information_schema.tables"
    return [str(row["name"]) for row in server.rows(sql)]


def test_a_rescue_into_a_protected_target_needs_its_name_again(ruin: Ruin) -> None:
    before = ruin.marks["lsn" if ruin.engine == "postgresql" else "gtid"]
    command = ["restore", "--table", ODD, "--as", "never", "--to", before, "-t", "prod"]
    refused = ruin.story.run(f"backup {shlex.join(command)}", code=None)
    assert refused.code == 5
    assert "--i-mean prod" in refused.said
    planned = ruin.story.run(f"backup {shlex.join(command)} --plan")
    assert "as never" in planned.said
    alone = ruin.story.run(f"backup {shlex.join(command[:3])} --to {before}", code=None)
    assert alone.code == 2


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("DROP TABLE orders", [("drop", None, "orders")]),
        ("drop table if exists a, `b`.c, `d``e` cascade",
         [("drop", None, "a"), ("drop", "b", "c"), ("drop", None, "d`e")]),
        ("/* why */ DROP /*!40000 TABLE */ `orders` /* generated by server */",
         [("drop", None, "orders")]),
        ("-- a word\nTRUNCATE orders", [("truncate", None, "orders")]),
        ("TRUNCATE TABLE trading.orders", [("truncate", "trading", "orders")]),
        ("RENAME TABLE orders WAIT 5 TO old, new TO orders",
         [("rename", None, "orders"), ("rename", None, "new")]),
        ("ALTER TABLE orders ADD x INT, RENAME TO old", [("rename", None, "orders")]),
        ("ALTER TABLE orders RENAME COLUMN a TO b", []),
        ("ALTER TABLE orders DROP COLUMN a", []),
        ("ALTER TABLE orders DROP PARTITION p1", [("drop partition", None, "orders")]),
        ("CREATE OR REPLACE TABLE orders (a INT)", [("replace", None, "orders")]),
        ("CREATE OR REPLACE VIEW orders AS SELECT 1", []),
        ("DROP TEMPORARY TABLE orders", []),
        ("DROP DATABASE trading", [("drop database", "trading", None)]),
        ("DROP VIEW orders", []),
        ("INSERT INTO notes VALUES ('DROP TABLE orders')", []),
        ("# DROP TABLE orders", []),
        ("", []),
    ],
)  # fmt: skip
def test_what_a_statement_takes_away(statement: str, found: list[tuple[str, ...]]) -> None:
    assert losses(statement) == [Loss(*each) for each in found]


def test_a_name_may_be_said_with_its_database() -> None:
    loss = Loss("drop", None, "orders")
    assert matches(loss, "orders", database="trading")
    assert matches(loss, "trading.orders", database="trading")
    assert not matches(loss, "other.orders", database="trading")
    assert matches(Loss("drop", None, "a.b"), "trading.a.b", database="trading")
    assert matches(Loss("drop database", "trading", None), "trading.orders", database="")
    assert not matches(Loss("drop", None, "order"), "orders", database="trading")


def test_a_file_keeps_its_table_through_what_rewrites_it() -> None:
    names = Names(
        {"base/5/16400": "public.orders", "base/5/16402": "index of public.orders",
         "base/5/16500": "public.trades_2025 of public.trades"}
    )  # fmt: skip
    at = datetime(2026, 1, 2, tzinfo=UTC)
    names.follow(
        Commit(9, 1, at, ["base/5/16400", "base/5/16402"], ["base/5/17000", "base/5/17001"])
    )
    assert names.tables(["base/5/17000"]) == ["public.orders"]
    assert names.tables(["base/5/16402"]) == []
    assert names.unknown(["base/5/17001", "base/5/18000", "base/5/2619"]) == ["base/5/18000"]
    assert is_named("public.trades_2025 of public.trades", "trades")
    assert is_named('public."odd ""name"', 'odd "name')
    assert not is_named("public.orders", "order")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE USER x@localhost IDENTIFIED BY 'it''s \\' secret'",
        "ALTER USER x IDENTIFIED VIA ed25519 USING PASSWORD('secret') OR unix_socket",
        "ALTER USER x IDENTIFIED VIA mysql_native_password USING 'secret'",
        "SET PASSWORD FOR x = PASSWORD('secret')",
        "GRANT ALL ON *.* TO x IDENTIFIED BY PASSWORD '*secret'",
        "CHANGE MASTER TO MASTER_USER = 'x', MASTER_PASSWORD = 'secret'",
    ],
)
def test_a_password_in_the_log_is_not_shown(statement: str) -> None:
    assert "secret" not in redacted(statement)
    assert "***" in redacted(statement)


def test_what_is_no_password_stays() -> None:
    statement = "UPDATE users SET full_name = 'secret' WHERE user_id = 1"
    assert redacted(statement) == statement


def test_a_table_that_is_gone_comes_back_whole_in_its_own_place(ruin: Ruin) -> None:
    ruin.story.aim = ruin.find(table="orders").places[0].aim
    before = ruin.aim(ruin.story.aim)
    wish = rescuing.Wish(table="orders", name="orders", target=ruin.target)
    with connect(ruin.target) as server:
        if server.engine == "mariadb":
            server.execute("SET SESSION foreign_key_checks = 0")
        cascade = "CASCADE" if server.engine == "postgresql" else ""
        server.execute(f"DROP TABLE IF EXISTS orders {cascade}")
    assert "foreign keys" in rescuing.steps(before, wish)[-1].why
    PAGE["back_in_place"](ruin.story)
    require_on_page(ruin, "whole")
    said = ruin.story.shown["whole"].said
    notes = re.split(r"^note: gone with it: ", said, flags=re.MULTILINE)[1:]
    led_here = "ALTER TABLE trades ADD CONSTRAINT trades_buy_fk FOREIGN KEY (buy_order_id)"
    assert any(led_here in note for note in notes) == (ruin.engine == "postgresql")
    with connect(ruin.target) as server:
        rows = server.rows("SELECT count(*) AS n FROM orders")[0]["n"]
        assert rows > 0
        assert re.search(rf"^  orders +{rows:,} rows$", said, re.MULTILINE)
        with pytest.raises(ServerError):  # there is no such account
            server.execute("UPDATE orders SET account_id = -1")
        for note in notes:
            server.execute(note)
        assert server.rows("SELECT count(*) AS n FROM trading_now")[0]["n"] == 1
        if server.engine == "postgresql":
            may = "SELECT has_table_privilege('stockops_monitor', 'trading_now', 'SELECT') AS may"
            assert server.rows(may)[0]["may"]
    with pytest.raises(Refused, match="already"):
        rescuing.rescue(ruin.repo, before, wish)
