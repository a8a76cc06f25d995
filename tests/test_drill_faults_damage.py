"""Faults that people and disks make: each is seen by what it does, and what can be undone is."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest
from conftest import eventually

from stockops import health, scratch
from stockops import lab as labs
from stockops.backups import repository
from stockops.drills import pending, safekeeping, sandbox
from stockops.drills.faults import FAULTS, Needs, Spot
from stockops.drills.undoing import Undo
from stockops.engine import connect
from stockops.errors import ConfigError, ServerError, StockopsError
from stockops.health import State
from stockops.lab import ENGINES

SEEN_S = 60.0
OURS = (
    "orphan_transaction", "bad_settings", "mass_update", "corrupt_index", "dropped_table",
    "corrupt_page", "lost_log", "archive_stopped", "backup_corrupted",
)  # fmt: skip
# Who comes to the damaged pages, so that the server says so.
READ = {
    "corrupt_index": {
        "postgresql": "SET enable_seqscan = off; SET enable_bitmapscan = off; "
        "SELECT account_id FROM orders WHERE account_id < 999999 ORDER BY account_id",
        "mariadb": "SELECT account_id FROM orders FORCE INDEX (orders_key_uq)",
    },
    "corrupt_page": dict.fromkeys(ENGINES, "SELECT max(cash_won) FROM accounts"),
}


@pytest.fixture(scope="module", params=sorted(ENGINES))
def spot(request: pytest.FixtureRequest) -> Iterator[Spot]:
    """One sandbox for all of them: what harms data comes after what does not."""
    engine = str(request.param)
    with scratch.directory("drill") as folder:
        folder.chmod(0o755)
        with Undo.begin(f"damage-{engine}", folder=folder, within_s=600) as undo:
            needs = Needs(settings=FAULTS["orphan_transaction"].needs(engine, {}).settings)
            with sandbox.opened(engine, needs, {}, undo=undo, folder=folder) as spot:
                yield spot


def inject(spot: Spot, name: str) -> str:
    """Inject the fault `name`, come to what it harmed, and return what shows it."""
    fault = FAULTS[name]
    seen: list[str] = []

    def bites() -> bool:
        if name in READ:
            refused(spot, READ[name][spot.engine])
        seen[:] = filter(None, [fault.bites(spot)])
        return bool(seen)

    fault.inject(spot, fault.drivers[0].name)
    eventually(bites, within_s=SEEN_S)
    return seen[0]


def refused(spot: Spot, script: str) -> str | None:
    try:
        with connect(spot.target, lock_timeout_s=1) as server:
            for sql in script.split("; "):
                if sql.startswith("SELECT"):
                    server.rows(sql)
                else:
                    server.execute(sql)
    except ServerError as exc:
        return str(exc)
    return None


@contextmanager
def in_its_way(spot: Spot) -> Iterator[None]:
    """Have a client hold orders and want trades, whoever drops those; MariaDB ends the client."""
    if spot.engine == "mariadb":
        yield
        return
    waits = "SELECT count(*) AS n FROM pg_locks WHERE NOT granted"
    with connect(spot.target) as server, connect(spot.target) as looks:
        server.execute("SET deadlock_timeout = '60s'")  # the other one notices, and is ended
        server.execute("BEGIN")
        server.rows("SELECT 1 AS n FROM orders LIMIT 1")

        def want() -> None:
            eventually(lambda: looks.rows(waits)[0]["n"] > 0, within_s=SEEN_S)
            server.rows("SELECT 1 AS n FROM trades LIMIT 1")
            server.execute("COMMIT")

        client = Thread(target=want)
        client.start()
        yield
        client.join(SEEN_S)
        assert not client.is_alive()


def tells(spot: Spot, name: str) -> State:
    """Return what our own health check says."""
    checks = [each for each in health.load(spot.engine) if each.name == name]
    return health.run(spot.target, checks).outcomes[-1].state


def undo(spot: Spot) -> None:
    """Undo what the faults armed, as a guardian does; the sandbox, armed first, stays."""
    for each in reversed(pending.read(spot.undo.path).left[1:]):
        assert each.step.undo(spot.folder)
        spot.undo.undone(each.number)


def test_no_fault_takes_an_argument_that_it_does_not_know() -> None:
    for name in OURS:
        with pytest.raises(ConfigError, match="takes no 'speed'"):
            FAULTS[name].needs("postgresql", {"speed": 1})


def test_a_prepared_transaction_is_rolled_back_by_the_undo(spot: Spot) -> None:
    update = "UPDATE stock_inventory SET available_shares = available_shares + 1"
    assert FAULTS["orphan_transaction"].bites(spot) is None
    assert "holds its locks" in inject(spot, "orphan_transaction")
    assert refused(spot, update)
    undo(spot)
    assert FAULTS["orphan_transaction"].bites(spot) is None
    assert refused(spot, update) is None


def test_the_settings_are_as_before_after_the_undo(spot: Spot) -> None:
    auto = spot.lab.data / "postgresql.auto.conf"
    path = auto if spot.engine == "postgresql" else spot.lab.directory / "my.cnf"

    def now() -> tuple[bytes, int] | None:
        return (path.read_bytes(), path.stat().st_uid) if path.exists() else None

    before = now()
    assert FAULTS["bad_settings"].bites(spot) is None
    assert inject(spot, "bad_settings")
    assert now() != before
    undo(spot)
    assert now() == before
    labs.up(spot.lab.name)


def test_an_archive_that_stopped_goes_on_when_the_world_starts_it(spot: Spot) -> None:
    fault = FAULTS["archive_stopped"]
    with pytest.raises(StockopsError, match="nobody receives"):
        fault.inject(spot, "process")
    spot.repository = spot.folder / "kept"
    repository.make(str(spot.repository))
    spot.receiver = safekeeping.receive(spot)
    try:
        assert fault.bites(spot) is None
        assert inject(spot, "archive_stopped") == "nobody receives the log"
        fault.lift(spot)
        assert spot.receiver.lives
        assert fault.bites(spot) is None
    finally:
        spot.receiver.end()


def test_a_backup_is_not_what_was_stored(spot: Spot) -> None:
    spot.repository = spot.folder / "stored"
    (spot.repository / "deep").mkdir(parents=True)
    with pytest.raises(StockopsError, match="no backup"):
        FAULTS["backup_corrupted"].inject(spot, "file")
    (spot.repository / "small").write_bytes(b"small")
    (spot.repository / "deep" / "large").write_bytes(bytes(5000))
    assert "64 bytes of large are not" in inject(spot, "backup_corrupted")
    assert (spot.repository / "deep" / "large").stat().st_size == 5000


def test_what_harms_data_is_seen_in_the_words_of_the_server(spot: Spot) -> None:
    assert "no stock is listed" in inject(spot, "mass_update")
    assert tells(spot, "tables_missing") is State.OK
    page = {"postgresql": "invalid page in block", "mariadb": "corrupt"}[spot.engine]
    assert page in inject(spot, "corrupt_index")
    assert page in inject(spot, "corrupt_page")
    counted = {"postgresql": "checksum_failures", "mariadb": "damage_logged"}[spot.engine]
    eventually(lambda: tells(spot, counted) is State.CRITICAL, within_s=SEEN_S)
    with in_its_way(spot):
        assert "trades" in inject(spot, "dropped_table")
    assert tells(spot, "tables_missing") is State.CRITICAL
    gone = {"postgresql": "checkpoint record", "mariadb": "ib_logfile0"}[spot.engine]
    assert gone in inject(spot, "lost_log")
    directory = spot.lab.directory
    assert [each.outcome for each in spot.undo.run()] == ["undone"]
    assert not directory.exists()
