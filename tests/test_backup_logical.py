"""Dumps: of one moment, whole, with everything a restored database needs, and no password told."""

import json
import secrets
import string
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import date, datetime, time
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import eventually
from promises import Told
from underload import trading

from stockops import books, orders, workload
from stockops import lab as labs
from stockops.backups import comparing, logical, repository, restoring, taking
from stockops.backups.manifest import Manifest
from stockops.backups.repository import Backup, Repository
from stockops.backups.restoring import loading
from stockops.backups.streams import Form
from stockops.backups.taking import Request, Tick
from stockops.cli import main
from stockops.engine import connect
from stockops.engine.base import Server
from stockops.errors import Fault, Refused, ServerError, StockopsError, StorageError
from stockops.lab import Lab
from stockops.passwords import Secret
from stockops.targets import Target
from stockops.workload import RunPlan

CANARY = "canary" + "".join(c for c in string.printable if c.isprintable())
LOGICAL = Request(method="logical")


@pytest.fixture(scope="module")
def other_labs() -> Iterator[Callable[[str], Lab]]:
    """Labs to load into: what is loaded has the name of what was dumped."""
    with ExitStack() as stack:
        started: dict[str, Lab] = {}

        def get(engine: str) -> Lab:
            if engine not in started:
                started[engine] = stack.enter_context(labs.temporary(engine))
            return started[engine]

        yield get


@pytest.fixture
def other_lab(lab: Lab, other_labs: Callable[[str], Lab]) -> Iterator[Lab]:
    other = other_labs(lab.engine)
    before = databases(other)
    yield other
    with connect(other.url(system_database(other))) as server:
        for name in databases(other) - before:
            server.execute(f"DROP DATABASE {name}")


def system_database(lab: Lab) -> str:
    return "postgres" if lab.engine == "postgresql" else "mysql"


def databases(lab: Lab) -> set[str]:
    with connect(lab.url(system_database(lab))) as server:
        if lab.engine == "postgresql":
            return {row["n"] for row in server.rows("SELECT datname AS n FROM pg_database")}
        return {row["Database"] for row in server.rows("SHOW DATABASES")}


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return repository.make(str(tmp_path / "repository"))


def only(repo: Repository, said: Manifest) -> Backup:
    return next(each for each in repo.backups(said.system) if each.id == said.id)


def test_a_dump_under_load_loads_into_exactly_the_rows_that_were_counted(
    market: Target, repo: Repository, other_lab: Lab, tmp_path: Path
) -> None:
    with trading(market, tmp_path):
        said = taking.take(repo, market, LOGICAL)
    assert comparing.held(said.content) == len(said.content) > 20
    assert said.start == said.stop
    target = loading.load(repo, only(repo, said), other_lab)
    with connect(target) as restored, connect(market) as source:
        assert comparing.compare(restored, said.content) == []
        assert comparing.compare(source, said.content) != []
        assert [each for each in books.check(restored) if each.violations] == []
        clock = orders.clock_of(date(2025, 1, 3), time(10, 0))
        answer = orders.place(restored, some_order(restored), clock=clock)
        assert answer.status == "filled"
        with pytest.raises(ServerError) as refused:
            restored.execute("DELETE FROM trades")
        assert refused.value.fault is Fault.REJECTED


def some_order(server: Server) -> orders.Order:
    symbol = server.rows(
        "SELECT i.symbol FROM stock_inventory i JOIN stocks s ON s.symbol = i.symbol "
        "WHERE s.status = 'listed' AND i.available_shares > 10 ORDER BY i.last_won LIMIT 1"
    )[0]["symbol"]
    return orders.Order(key="after", account_id=1001, symbol=symbol, side="buy", quantity=1)


def test_a_dump_that_was_changed_is_not_believed(
    market: Target, repo: Repository, other_lab: Lab, tmp_path: Path
) -> None:
    said = taking.take(repo, market, LOGICAL)
    (dump,) = (tmp_path / "repository").rglob("dump.*")
    damaged = bytearray(dump.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    dump.chmod(0o600)
    dump.write_bytes(damaged)
    with pytest.raises((StorageError, ServerError)):
        loading.load(repo, only(repo, said), other_lab)


@pytest.fixture
def people(server: Server) -> Iterator[list[str]]:
    """A role of the schema's kind, and somebody who logs in and has it."""
    name = "dump_clerk"
    if server.engine == "postgresql":
        server.execute(f"CREATE ROLE {name}; CREATE ROLE {name}_role")
        server.execute(f"ALTER ROLE {name} LOGIN PASSWORD 'clerk'; GRANT {name}_role TO {name}")
    else:
        server.execute(f"CREATE ROLE {name}_role")
        server.execute(f"CREATE USER {name}@'127.0.0.1' IDENTIFIED BY 'clerk'")
        server.execute(f"GRANT {name}_role TO {name}@'127.0.0.1'")
    yield [name, f"{name}_role"]
    if server.engine == "postgresql":
        server.execute(f"DROP OWNED BY {name}, {name}_role; DROP ROLE {name}, {name}_role")
    else:
        server.execute(f"DROP USER {name}@'127.0.0.1'; ")
        server.execute(f"DROP ROLE {name}_role")


OBJECTS = {
    "postgresql": [
        "CREATE TABLE wide (id int PRIMARY KEY, b bytea, j json, a text[], t text)",
        "INSERT INTO wide VALUES (1, '\\x00ff', '{\"a\": 1}', '{NULL,\"NULL\",\"\"}', E'\\n\\\\'), "
        "(2, NULL, NULL, NULL, '')",
        "CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE VIEW seen AS SELECT id FROM wide",
        "GRANT SELECT ON wide TO dump_clerk_role",
        "ALTER FUNCTION one() OWNER TO dump_clerk",
    ],
    "mariadb": [
        "CREATE TABLE wide (id int PRIMARY KEY, b longblob, j json, f bit(9), t longtext, "
        "g int AS (id + 1) STORED, v int AS (id + 2) VIRTUAL, h int INVISIBLE)",
        "INSERT INTO wide (id, b, j, f, t, h) VALUES (1, x'00ff', '{\"a\": 1}', b'1', "
        "'\\n\\\\\\0', 7), (2, NULL, NULL, NULL, '', NULL)",
        "CREATE TABLE past (id int) WITH SYSTEM VERSIONING",
        "INSERT INTO past VALUES (1)",
        "UPDATE past SET id = 2",
        "CREATE FUNCTION one() RETURNS int DETERMINISTIC RETURN 1",
        "CREATE EVENT tick ON SCHEDULE EVERY 1 DAY DO UPDATE wide SET t = 'x'",
        "CREATE TRIGGER keep BEFORE DELETE ON wide FOR EACH ROW SIGNAL SQLSTATE '45000'",
        "CREATE DEFINER = dump_clerk@'127.0.0.1' VIEW seen AS SELECT id FROM wide",
        "GRANT SELECT ON wide TO dump_clerk_role",
        "GRANT SELECT ON wide TO dump_clerk@'127.0.0.1'",
    ],
}


def test_everything_a_database_needs_comes_back(
    server: Server, target: Target, repo: Repository, other_lab: Lab, people: list[str]
) -> None:
    if server.engine == "mariadb":
        server.execute("CREATE TABLE database_identity AS SELECT 1 AS only_row, 'x-1' AS identity")
    for statement in OBJECTS[server.engine]:
        server.execute(statement)
    said = taking.take(repo, target, LOGICAL)
    restored = loading.load(repo, only(repo, said), other_lab)
    with connect(restored) as copy:
        assert comparing.compare(copy, said.content) == []
        assert copy.rows("SELECT one() AS one") == [{"one": 1}]
        assert copy.rows("SELECT id FROM seen ORDER BY id") == [{"id": 1}, {"id": 2}]
        if server.engine == "mariadb":
            past = "SELECT id FROM past FOR SYSTEM_TIME ALL ORDER BY id"
            assert copy.rows(past) == [{"id": 1}, {"id": 2}]
            assert len(copy.rows("SHOW EVENTS")) == 1
            assert "dump_clerk_role" in str(copy.rows("SHOW GRANTS FOR dump_clerk@'127.0.0.1'"))
            assert "wide" in str(copy.rows("SHOW GRANTS FOR dump_clerk_role"))
            with pytest.raises(ServerError):
                copy.execute("DELETE FROM wide")
        else:
            may = "has_table_privilege('dump_clerk', 'wide', 'SELECT') AS may"
            assert copy.rows(f"SELECT {may}") == [{"may": True}]
            owner = "SELECT pg_get_userbyid(proowner) AS o FROM pg_proc WHERE proname = 'one'"
            assert copy.rows(owner) == [{"o": "dump_clerk"}]


@pytest.mark.case("M18", engine="mariadb")
def test_a_table_that_is_emptied_meanwhile_ends_the_dump_or_waits(
    market: Target, repo: Repository
) -> None:
    with connect(market) as server, connect(market, lock_timeout_s=1) as other:
        server.execute("CREATE TABLE zz (a int)")
        server.execute("INSERT INTO zz VALUES (1)")
        server.execute("CREATE TABLE aa (a int, b varchar(2000))")  # a pipe holds less than that
        for number in range(200):
            server.execute(f"INSERT INTO aa VALUES ({number}, repeat('x', 2000))")
        try:
            met: list[StockopsError] = []

            def empty(_: Tick) -> None:
                if not met:
                    try:
                        other.execute("TRUNCATE TABLE zz")
                    except ServerError as exc:
                        met.append(exc)

            if server.engine == "postgresql":
                taking.take(repo, market, LOGICAL, progress=empty)
                assert isinstance(met[0], ServerError)
                assert met[0].fault is Fault.LOCKED
            else:
                with pytest.raises(ServerError, match="changed"):
                    taking.take(repo, market, LOGICAL, progress=empty)
                (found,) = repo.backups()
                assert found.manifest is None
        finally:
            server.execute("DROP TABLE zz")
            server.execute("DROP TABLE aa")


def test_a_table_without_transactions_is_refused_or_named_and_not_held(
    server: Server, target: Target, repo: Repository
) -> None:
    if server.engine == "postgresql":
        pytest.skip("PostgreSQL has none")
    server.execute("CREATE TABLE database_identity AS SELECT 1 AS only_row, 'x-2' AS identity")
    server.execute("CREATE TABLE loose (a int) ENGINE = MyISAM")
    with pytest.raises(Refused, match=r"another moment than the rest: .*loose"):
        taking.take(repo, target, LOGICAL)
    assert repo.backups() == []
    said = taking.take(repo, target, replace(LOGICAL, mixed=True))
    assert [note for note in said.notes if "loose" in note and "not transactional" in note]
    assert {each.table: each.rows for each in said.content} == {
        "database_identity": 1,
        "loose": None,
    }


@pytest.mark.parametrize("plan_only", [(), ("--plan",)], ids=["taken", "planned"])
def test_a_dump_is_never_incremental(
    market: Target, repo: Repository, plan_only: tuple[str, ...]
) -> None:
    words = ["backup", "take", "-t", market.url, "--repository", repo.store.place, *plan_only]
    ran = CliRunner().invoke(main, [*words, "--logical", "--incremental"])
    assert (ran.exit_code, "no incremental one" in ran.output, repo.backups()) == (2, True, [])


def test_a_dump_that_does_not_begin_holds_nobody_for_long(server: Server, target: Target) -> None:
    if server.engine == "postgresql":
        pytest.skip("PostgreSQL gives its snapshot away by name, and holds nobody")
    server.execute("CREATE TABLE t (a int)")
    with connect(target) as reader, logical.mariadb(reader, target, hold_s=0.5) as watch:
        with connect(target) as writer:
            writer.execute("INSERT INTO t VALUES (1)")  # it waits, and goes through
        assert reader.rows("SELECT count(*) AS n FROM t") == [{"n": 0}]
        assert not watch.ended
        with pytest.raises(StorageError, match="did not begin within"):
            watch.feed(b"--\n-- Current Database: `x`\n")


def test_a_dump_of_another_moment_is_not_taken(server: Server, target: Target) -> None:
    if server.engine == "postgresql":
        pytest.skip("PostgreSQL gives its snapshot away by name")
    head = b"-- CHANGE MASTER TO MASTER_LOG_FILE='binlog.000001', MASTER_LOG_POS=4;\n"
    with (
        connect(target) as reader,
        pytest.raises(StorageError, match="the dump is of"),
        logical.mariadb(reader, target) as watch,
    ):
        watch.feed(head + b"\n-- Current Database: `x`\n")
    server.execute("CREATE TABLE t (a int)")  # nobody holds anything any more


@contextmanager
def canary(admin: Server, target: Target) -> Iterator[Target]:
    """A role that may do everything, and whose password holds every printable character."""
    if admin.engine == "postgresql":
        literal = CANARY.replace("'", "''")
        admin.execute(f"CREATE ROLE dump_canary SUPERUSER LOGIN PASSWORD '{literal}'")
        drop = "DROP ROLE dump_canary"
    else:
        literal = CANARY.replace("\\", "\\\\").replace("'", "\\'")
        admin.execute(f"CREATE USER dump_canary@'127.0.0.1' IDENTIFIED BY '{literal}'")
        admin.execute("GRANT ALL ON *.* TO dump_canary@'127.0.0.1' WITH GRANT OPTION")
        drop = "DROP USER dump_canary@'127.0.0.1'"
    try:
        url = target.url.replace("//stockops@", "//dump_canary@")
        yield replace(target, name="canary", url=url, password=Secret(CANARY))
    finally:
        admin.execute(drop)


@pytest.mark.case("M17")
@pytest.mark.parametrize("method", ["logical", "physical"])
def test_a_password_of_every_character_works_and_nobody_sees_it(
    server: Server, tcp_target: Target, repo: Repository, tmp_path: Path, method: str
) -> None:
    if server.engine == "mariadb":
        server.execute("CREATE TABLE database_identity AS SELECT 1 AS only_row, 'x-3' AS identity")
    shown: list[bytes] = []
    with canary(server, tcp_target) as target:
        request = LOGICAL if method == "logical" else Request()
        taking.take(repo, target, request, progress=lambda _: shown.extend(processes()))
    assert shown
    shown += [path.read_bytes() for path in tmp_path.rglob("*.log")]
    shown += [path.read_bytes() for path in tmp_path.rglob("manifest.json")]
    for piece in (CANARY[:12], CANARY[-20:-5], "xyzABC"):
        assert [text for text in shown if piece.encode() in text] == []


def processes() -> list[bytes]:
    """What anybody may see of every process, and what its owner may."""
    found = []
    for name in ("cmdline", "environ"):
        for path in Path("/proc").glob(f"[0-9]*/{name}"):
            with suppress(OSError):
                found.append(path.read_bytes())
    return found


def test_who_may_not_read_passwords_dumps_roles_without_them(
    market: Target, repo: Repository
) -> None:
    if market.engine == "mariadb":
        pytest.skip("whoever may dump users there may read their passwords")
    with connect(market) as server:
        server.execute("CREATE ROLE dump_reader LOGIN")
        for what in ("TABLES", "SEQUENCES"):
            server.execute(f"GRANT SELECT ON ALL {what} IN SCHEMA public TO dump_reader")
    try:
        reader = replace(market, url=market.url.replace("//stockops@", "//dump_reader@"))
        said = taking.take(repo, reader, replace(LOGICAL, form=Form(compression="none")))
        assert [note for note in said.notes if "without their passwords" in note]
        (roles,) = Path(repo.store.place).rglob("globals.sql")
        assert "CREATE ROLE dump_reader" in roles.read_text()
    finally:
        with connect(market) as server:
            server.execute("DROP OWNED BY dump_reader; DROP ROLE dump_reader")


def test_a_dump_is_drilled_as_of_its_own_moment(
    market: Target, repo: Repository, tmp_path: Path
) -> None:
    """With what its evidence says: in three forms, signed, and with the orders that it lost."""
    with connect(market) as server:
        server.execute("INSERT INTO heartbeats VALUES ('test', 1, '2026-01-01')")
    try:
        said = taking.take(repo, market, LOGICAL)
    finally:
        with connect(market) as server:
            server.execute("DELETE FROM heartbeats")
    clients = tmp_path / "clients"
    mix = {"limit": 70, "cancel": 30}
    workload.run(market, RunPlan(clients=1, orders=400, mix=mix, journal=clients, seal=False))
    told = Told.of(clients)
    place = ["--repository", repo.store.place, "--format", "json"]
    reports = {form: tmp_path / f"drill.{form}" for form in ("json", "md", "html")}
    words = [*place, "--journal", str(clients), "--signed-off", "Kim, DBA"]
    words += [word for path in reports.values() for word in ("--report", str(path))]
    ran = CliRunner().invoke(main, ["backup", "drill", *words])
    drilled = json.loads(ran.stdout)
    assert ran.exit_code == 0, drilled["summary"]
    assert [level["passed"] for level in drilled["levels"]] == [True, None, True, True, True]
    assert drilled["levels"][3]["looked_at"] == len(said.content) > 20
    lost = {"orders": len(told.orders), "cancels": len(told.cancelled)}
    assert lost["cancels"] > 0
    assert lost | {"won": sum(told.won.values())} == {
        name: drilled["loss"][name] for name in ("orders", "cancels", "won")
    }
    signed = json.loads(reports["json"].read_text("utf-8"))
    assert signed.items() >= {**drilled, "signed_off": "Kim, DBA"}.items()
    page = reports["md"].read_text("utf-8")
    assert f"{lost['orders']} acknowledged orders and {lost['cancels']} cancels lost" in page
    for text in (page, reports["html"].read_text("utf-8")):
        assert "Signed off by Kim, DBA" in text
        assert signed["sha256"] in text
    moment = datetime.fromisoformat(said.started_at)
    assert datetime.fromisoformat(drilled["loss"]["target_at"]) == moment
    assert drilled["loss"]["seconds"] > 0
    assert {"load", "start"} <= drilled["phases"].keys()
    assert repo.backups()[0].state == "verified"
    other = CliRunner().invoke(main, ["backup", "drill", *place, "--to", "2026-01-01"])
    assert other.exit_code == 2
    with pytest.raises(Refused, match="is a dump"):
        restoring.plan(repo, restoring.Aim("end"), system=said.system, start=only(repo, said))


def test_a_dump_is_loaded_by_the_command_and_a_lab_that_is_not_empty_stays_as_it_was(
    market: Target, repo: Repository, other_lab: Lab
) -> None:
    said = taking.take(repo, market, LOGICAL)
    words = ["backup", "restore", "--repository", repo.store.place, "--from", said.id]
    assert "which a server loads" in CliRunner().invoke(main, words).output
    words += ["--lab", other_lab.name]
    assert f"load {said.id}" in CliRunner().invoke(main, [*words, "--plan"]).output
    ran = CliRunner().invoke(main, words)
    assert ran.exit_code == 0, ran.output
    with connect(other_lab.url(said.database)) as copy:
        assert comparing.compare(copy, said.content) == []
    again = CliRunner().invoke(main, words)
    assert again.exit_code == 5
    assert "tables, " in again.output
    with connect(other_lab.url(said.database)) as copy:
        assert comparing.compare(copy, said.content) == []


def test_a_lab_that_is_down_and_not_empty_is_not_removed(market: Target, repo: Repository) -> None:
    said = taking.take(repo, market, LOGICAL)
    lab = labs.up(f"kept-{secrets.token_hex(4)}", engine=market.engine)
    try:
        with connect(lab.url()) as server:
            server.execute(f"CREATE DATABASE {said.database}")
        with connect(lab.url(said.database)) as server:
            server.execute("CREATE TABLE precious (n integer)")
        labs.down(lab.name)
        words = ["backup", "restore", "--repository", repo.store.place, "--from", said.id]
        ran = CliRunner().invoke(main, [*words, "--lab", lab.name])
        assert (ran.exit_code, labs.find(lab.name)) == (5, None), ran.output
        with connect(labs.up(lab.name).url(said.database)) as server:
            assert server.rows("SELECT count(*) AS n FROM precious") == [{"n": 0}]
    finally:
        labs.destroy(lab.name)


def test_nothing_is_left_behind(market: Target, repo: Repository) -> None:
    taking.take(repo, market, LOGICAL)
    with connect(market) as server:
        eventually(lambda: taking.SOURCES[market.engine].left_behind(server) == [])
