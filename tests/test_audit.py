"""The audit chain is sealed without a fork, and closed days are folded."""

import hashlib
import threading
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from floor import FIRST_DAY, SECOND_DAY, Floor, clock

from stockops import advisory, audit, books, orders
from stockops import market as the_market
from stockops.audit import FIRST_HASH
from stockops.books import InvariantResult
from stockops.engine import connect
from stockops.engine.base import Server
from stockops.errors import Busy, Refused
from stockops.targets import Target

THIRD_DAY = date(2025, 1, 7)


@pytest.fixture
def log(migrated: Target) -> Iterator[Server]:
    """A session on a database that has the tables and no audit row."""
    with connect(migrated) as server:
        yield server


def write(server: Server, *numbers: int, words: str = "done") -> None:
    values = ", ".join(
        f"({n}, DATE '2025-01-03', 'test', 'desk', '{n}', '{words} {n}')" for n in numbers
    )
    server.execute(
        "INSERT INTO audit_log (audit_id, business_date, action, entity, entity_id, detail) "
        f"VALUES {values}"
    )


def chain(server: Server) -> list[tuple[int, int, str]]:
    rows = server.rows("SELECT seal_no, audit_id, chain_hash FROM audit_seals ORDER BY seal_no")
    return [(row["seal_no"], row["audit_id"], row["chain_hash"]) for row in rows]


def verdict(server: Server) -> InvariantResult:
    [result] = books.check(server, only=["audit_chain"])
    return result


def test_a_seal_is_the_hash_of_the_one_before_and_of_the_row(log: Server) -> None:
    write(log, 5, 9, words="가나 \\ done")
    assert audit.seal(log) == 2
    rows = log.rows("SELECT canonical FROM audit_canonical ORDER BY audit_id")
    first = hashlib.sha256(f"{FIRST_HASH}\n{rows[0]['canonical']}".encode()).hexdigest()
    second = hashlib.sha256(f"{first}\n{rows[1]['canonical']}".encode()).hexdigest()
    assert chain(log) == [(1, 5, first), (2, 9, second)]
    assert audit.seal(log) == 0
    assert verdict(log).state == "held"


def test_a_seal_stops_at_its_limit_and_goes_on(log: Server) -> None:
    write(log, *range(1, 11))
    assert [audit.seal(log, 4) for _ in range(4)] == [4, 4, 2, 0]
    assert [number for _, number, _ in chain(log)] == list(range(1, 11))
    assert verdict(log).state == "held"


def test_a_row_that_is_committed_late_is_sealed_late(log: Server, migrated: Target) -> None:
    with connect(migrated) as slow:
        with slow.transaction():
            write(slow, 3)
            write(log, 4, 5)
            assert audit.seal(log) == 2
        assert audit.seal(log) == 1
    assert [number for _, number, _ in chain(log)] == [4, 5, 3]
    assert verdict(log).state == "held"


def test_a_row_of_any_age_is_found_by_a_sweep(log: Server) -> None:
    write(log, audit.LOOK_BACK_IDS + 10)
    assert audit.seal(log) == 1
    write(log, 7)
    assert audit.seal(log) == 0
    assert "1 audit rows not sealed yet" in verdict(log).note
    assert audit.seal(log, sweep=True) == 1
    assert verdict(log).state == "held"


def test_two_sealers_make_one_chain(log: Server, migrated: Target) -> None:
    write(log, *range(1, 601))
    sealed: list[int] = []

    def work() -> None:
        with connect(migrated) as server:
            while done := audit.seal(server, 25):
                sealed.append(done)

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert sum(sealed) == 600
    assert [number for number, _, _ in chain(log)] == list(range(1, 601))
    assert verdict(log).state == "held"


def test_a_sealer_waits_only_so_long_for_another(log: Server, migrated: Target) -> None:
    write(log, 1)
    with connect(migrated) as other, advisory.alone(other, "seal", wait_s=0):
        with pytest.raises(Busy, match="seal"):
            audit.seal(log, wait_s=0.2)
        assert chain(log) == []
    assert audit.seal(log) == 1


@pytest.mark.parametrize(
    "change", ["UPDATE audit_log SET detail = 'never'", "DELETE FROM audit_log"]
)
def test_a_tampered_row_breaks_the_chain_at_its_seal(log: Server, change: str) -> None:
    write(log, 1, 2, 3)
    audit.seal(log)
    triggers = {
        "postgresql": ["DROP TRIGGER audit_log_append_only ON audit_log"],
        "mariadb": [
            f"DROP TRIGGER {row['name']}"
            for row in log.rows(
                "SELECT trigger_name AS name FROM information_schema.triggers "
                "WHERE event_object_schema = database() AND event_object_table = 'audit_log'"
            )
        ]
        if log.engine == "mariadb"
        else [],
    }
    for statement in triggers[log.engine]:
        log.execute(statement)
    log.execute(f"{change} WHERE audit_id = 2")
    result = verdict(log)
    assert (result.state, result.violations) == ("violated", 1)
    assert result.examples[0].entity == "seal 2 of audit row 2"


def test_a_folded_day_takes_no_order_and_its_sums_are_kept(market: Target) -> None:
    with connect(market) as server:
        floor = Floor(server)
        answers = floor.trade(150, day=FIRST_DAY)
        assert any(answer.status == "open" for answer in answers)
        steps = audit.fold_steps(server, FIRST_DAY)
        assert "48 issues" in steps[0].action
        folded = audit.fold(server, FIRST_DAY)
        assert (folded.through, folded.symbols) == (FIRST_DAY, 48)
        assert folded.balances > 0
        assert not server.rows("SELECT order_id FROM orders WHERE status = 'open'")
        late = orders.place(server, floor.order(), clock=clock(FIRST_DAY))
        assert late.reason == "closed_session"
        again = audit.fold(server, FIRST_DAY)
        assert (again.symbols, again.balances) == (0, 0)
        assert floor.trade(50, day=SECOND_DAY)
        audit.seal_all(server)
        results = books.check(server)
    assert [result for result in results if result.state != "held"] == []
    assert {r.name: r.note for r in results}["house_balances"] == f"folded through {FIRST_DAY}"


def test_a_day_that_is_not_over_is_not_folded(market: Target) -> None:
    with connect(market) as server:
        for today in (FIRST_DAY, date(2025, 1, 2)):
            with pytest.raises(Refused, match="is not over"):
                audit.fold(server, FIRST_DAY, today=today)
        assert not server.rows("SELECT account_id FROM house_balances")


def test_a_lab_folds_no_date_that_it_has_not_come_to(market: Target) -> None:
    with connect(market) as server:
        today = the_market.today(server)
        audit.require_reached(server, today)
        late = today + timedelta(days=1)
        with pytest.raises(Refused, match=f"{late} is in the future, and no issue") as told:
            audit.require_reached(server, late)
        assert told.value.hint == f"Fold through {today} at most."
        first = server.rows("SELECT min(symbol) AS symbol FROM stock_inventory")[0]["symbol"]
        move = "UPDATE stock_inventory SET quote_date = %(on)s, settles_on = %(next)s "
        days = {"on": late, "next": late + timedelta(days=1), "symbol": first}
        server.execute(f"{move}WHERE symbol = %(symbol)s", days)
        audit.require_reached(server, late)


def test_folding_under_load_loses_nothing(market: Target) -> None:
    with connect(market) as server:
        Floor(server, seed=1).trade(60, day=FIRST_DAY)
    done = threading.Event()
    failures: list[BaseException] = []

    def load(seed: int) -> None:
        try:
            with connect(market) as busy:
                floor = Floor(busy, seed=seed)
                while not done.is_set():
                    for day in (FIRST_DAY, SECOND_DAY):
                        orders.place(busy, floor.order(), clock=clock(day))
        except BaseException as exc:  # told by the test's own thread
            failures.append(exc)

    traders = [threading.Thread(target=load, args=(seed,)) for seed in (2, 3, 4)]
    for trader in traders:
        trader.start()
    try:
        with connect(market) as server:
            audit.fold(server, FIRST_DAY)
            audit.fold(server, SECOND_DAY)
    finally:
        done.set()
        for trader in traders:
            trader.join(30)
    assert not failures
    with connect(market) as server:
        audit.seal_all(server)
        results = books.check(server)
    assert [result for result in results if result.state != "held"] == []
