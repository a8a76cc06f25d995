"""Isolation: each anomaly step by step, what prevents it, and the load that counts them."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any, get_args

import pytest
from click.testing import CliRunner
from conftest import Labs, eventually
from interleaving import WITHIN_S, errors, two
from market import Markets

from stockops import books, isolation
from stockops.books import Example
from stockops.cli import isolationview
from stockops.cli.main import main
from stockops.engine import connect
from stockops.engine.base import Isolation, Server
from stockops.errors import ServerError
from stockops.isolation import Cell, IsolationPlan, Measured, Outcome
from stockops.isolation.bodies import body
from stockops.isolation.cells import Load, Locks
from stockops.isolation.client import EVENTS
from stockops.isolation.ground import Ground, Traded, survey
from stockops.isolation.requests import Leg, Quote, Request, Requests, Trade
from stockops.isolation.running import Switch, measure
from stockops.lab import place as lab_places
from stockops.targets import Target

KEYS = count()
WAITING = {
    "postgresql": "SELECT count(*) AS n FROM pg_locks WHERE NOT granted",
    "mariadb": "SELECT count(*) AS n FROM information_schema.innodb_trx "
    "WHERE trx_state = 'LOCK WAIT'",
}

# Per engine and level: whether both of two transactions commit that have read the same rows, with
# no lock and to write these rows (a lost update), or to write others (a write skew).
LEVELS = [
    ("postgresql", Cell("read committed", None, "none", "spread"), True, True),
    ("postgresql", Cell("repeatable read", None, "none", "spread"), False, True),
    ("postgresql", Cell("serializable", None, "none", "spread"), False, False),
    ("mariadb", Cell("read committed", None, "none", "spread"), True, True),
    ("mariadb", Cell("repeatable read", False, "none", "spread"), True, True),
    ("mariadb", Cell("repeatable read", True, "none", "spread"), False, True),
    ("mariadb", Cell("serializable", None, "none", "spread"), False, False),
]
INVARIANTS = (
    "cash",
    "holdings",
    "inventory",
    "listed_shares",
    "available",
    "reserved_cash",
    "reserved_shares",
    "book_not_crossed",
)
ISOLATION = ("40001", "1020")
DEADLOCK = ("40P01", "1213")


@dataclass(slots=True)
class Place:
    """A market whose issues are dealt out: each test spoils those that it was given."""

    target: Target
    ground: Ground
    traded: Iterator[int] = field(default_factory=count)
    quoted: Iterator[int] = field(default_factory=count)

    def trade(self, account_id: int, *legs: Leg) -> Trade:
        return Trade(f"test-{next(KEYS)}", account_id, legs)

    def opposite_quotes(self) -> tuple[Quote, Quote]:
        """A buy and a sell of two makers in an empty book, the buy above the sell."""
        issue = self.ground.quoted[next(self.quoted)]
        low, high = issue.prices_won[0], issue.prices_won[-1]
        buyer, seller = issue.makers[:2]
        return (
            Quote(f"test-{next(KEYS)}", buyer, issue.symbol, "buy", high),
            Quote(f"test-{next(KEYS)}", seller, issue.symbol, "sell", low),
        )

    def issue(self) -> Traded:
        """An issue that no test has traded."""
        return self.ground.traded[next(self.traded)]

    @contextmanager
    def asked(self) -> Iterator[set[str]]:
        """Give the invariants that something new violates, known at the end of the block."""
        found: set[str] = set()
        before = self._violations()
        yield found
        found |= {name for name, _ in self._violations() - before}

    def _violations(self) -> set[tuple[str, Example]]:
        with connect(self.target) as server:
            asked = books.check(server, only=INVARIANTS)
        return {(each.name, example) for each in asked for example in each.examples}


@pytest.fixture(scope="module")
def places(all_labs: Labs, markets: Markets) -> Iterator[dict[str, Place]]:
    """A market of each engine, made when it is asked for."""
    with ExitStack() as stack:

        class Made(dict[str, Place]):
            def __missing__(self, engine: str) -> Place:
                target = stack.enter_context(markets.open(all_labs.get(engine)))
                with connect(target) as server:
                    self[engine] = Place(target, survey(server, "spread"))
                return self[engine]

        yield Made()


@pytest.fixture
def place(engine: str, places: dict[str, Place]) -> Place:
    return places[engine]


def both_read_first(place: Place, cell: Cell, requests: tuple[Request, Request]) -> list[str]:
    """Have both read before either writes, then both end; return the codes of their errors."""
    with two(place.target, cell, place.ground, requests) as (first, second):
        first.go("read").result(WITHIN_S)
        second.go("read").result(WITHIN_S)
        ends = [first.go("end")]
        if cell.level == "serializable" and place.target.engine == "mariadb":
            wait_for_a_lock(place)  # what is read is locked there, with no lock asked for
        else:
            ends[0].exception(WITHIN_S)
        return codes(*ends, second.go("end"))


def codes(*ends: "Future[int | None]") -> list[str]:
    found = errors(*ends)
    assert all(isinstance(exc, ServerError) for exc in found), found
    return [exc.code for exc in found if isinstance(exc, ServerError)]


def alone(place: Place, request: Request) -> int:
    """Run a transaction with nobody beside it, and so without a lock."""
    with connect(place.target) as server, server.transaction():
        steps = body(server, request, ground=place.ground, locks="none")
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return int(end.value)


def wait_for_a_lock(place: Place) -> None:
    with connect(place.target) as server:
        eventually(lambda: server.rows(WAITING[server.engine])[0]["n"])


@pytest.mark.parametrize(
    ("name", "cell", "loses"),
    [(name, cell, loses) for name, cell, loses, _ in LEVELS],
    ids=[f"{name} {cell.isolation}" for name, cell, _, _ in LEVELS],
)
def test_an_update_is_lost_or_refused_as_the_level_says(
    places: dict[str, Place], name: str, cell: Cell, loses: bool
) -> None:
    place = places[name]
    issue = place.issue()
    buyer = issue.sellers[0]
    orders = (
        place.trade(buyer, Leg(issue.symbol, "buy", 1)),
        place.trade(buyer, Leg(issue.symbol, "buy", 2)),
    )
    with place.asked() as violated:
        failed = both_read_first(place, cell, orders)
    if loses:
        assert not failed
        assert {"cash", "holdings", "inventory"} <= violated
    else:
        assert len(failed) == 1
        assert failed[0] in (
            DEADLOCK if cell.level == "serializable" and name == "mariadb" else ISOLATION
        )
        assert not violated


@pytest.mark.parametrize(
    ("name", "cell", "skews"),
    [(name, cell, skews) for name, cell, _, skews in LEVELS],
    ids=[f"{name} {cell.isolation}" for name, cell, _, _ in LEVELS],
)
def test_a_write_skew_crosses_the_book_unless_the_level_is_serializable(
    places: dict[str, Place], name: str, cell: Cell, skews: bool
) -> None:
    place = places[name]
    quotes = place.opposite_quotes()
    with place.asked() as violated:
        failed = both_read_first(place, cell, quotes)
    assert (not failed, "book_not_crossed" in violated) == (skews, skews)


@pytest.mark.parametrize("locks", ["ordered", "unordered"])
def test_locks_at_read_committed_keep_both_anomalies_out(place: Place, locks: Locks) -> None:
    """Both of a pair want the same first row here, so the second waits for the first."""
    issue = place.issue()
    seller = issue.sellers[0]
    orders = (
        place.trade(seller, Leg(issue.symbol, "sell", 1)),
        place.trade(seller, Leg(issue.symbol, "sell", 2)),
    )
    quotes = place.opposite_quotes()
    if locks == "unordered":  # a buy begins with the account: give the sell the issue first
        quotes = (quotes[1], quotes[0])
    cell = Cell("read committed", None, locks, "spread")
    for requests in (orders, quotes):
        with (
            place.asked() as violated,
            two(place.target, cell, place.ground, requests) as (first, second),
        ):
            first.go("read").result(WITHIN_S)
            waits = second.go("read")
            wait_for_a_lock(place)
            assert not codes(first.go("end"), waits, second.go("end"))
        assert not violated


@pytest.mark.parametrize(
    ("name", "snapshot", "locks", "crosses"),
    [
        ("postgresql", None, "ordered", True),
        ("mariadb", False, "ordered", False),
        ("mariadb", True, "ordered", False),
        ("mariadb", False, "unordered", True),
        ("mariadb", True, "unordered", True),
    ],
)
def test_a_lock_does_not_help_a_snapshot_that_is_older_than_it(
    places: dict[str, Place], name: str, snapshot: bool | None, locks: Locks, crosses: bool
) -> None:
    """PostgreSQL takes the snapshot before it waits; MariaDB with the first read without a lock."""
    place = places[name]
    buy, sell = place.opposite_quotes()
    cell = Cell("repeatable read", snapshot, locks, "spread")
    with (
        place.asked() as violated,
        two(place.target, cell, place.ground, (sell, buy)) as (first, second),
    ):
        first.go("read").result(WITHIN_S)
        waits = second.go("read")
        wait_for_a_lock(place)
        assert not codes(first.go("end"), waits, second.go("end"))
    assert ("book_not_crossed" in violated) == crosses


def test_an_order_meets_what_came_to_rest_while_it_waited(all_labs: Labs, markets: Markets) -> None:
    with ExitStack() as stack:
        target = stack.enter_context(markets.open(all_labs.get("postgresql")))
        first, second, asked = (stack.enter_context(connect(target)) for _ in range(3))
        place = Place(target, survey(asked, "hot"))
        buy, sell = (
            replace(quote, account_id=owner, price_won=place.ground.quoted[0].prices_won[0])
            for quote, owner in zip(place.opposite_quotes(), two_owners(asked, place), strict=True)
        )
        thread = stack.enter_context(ThreadPoolExecutor(1))
        with second.transaction():
            with first.transaction():
                assert ask(first, buy, place) == "open"
                waits = thread.submit(ask, second, sell, place)
                wait_for_a_lock(place)
            assert waits.result(WITHIN_S) == "filled"
        [asked_of] = books.check(asked, only=["price_time_priority"])
    assert not asked_of.violations


@pytest.mark.parametrize(
    "call",
    [
        "SELECT status FROM place_order('k', 1, '005930', 'buy', 'market', NULL, 1)",
        "SELECT status FROM place_orders('[]')",
        "SELECT * FROM uncross('005930')",
    ],
    ids=["place_order", "place_orders", "uncross"],
)
def test_no_routine_that_waits_runs_on_an_old_snapshot(
    all_labs: Labs, markets: Markets, call: str
) -> None:
    """At REPEATABLE READ the snapshot is older than the lock, and an order passes a better one."""
    with markets.open(all_labs.get("postgresql")) as target, connect(target) as server:
        for level in get_args(Isolation):
            with (
                pytest.raises(ServerError, match="which REPEATABLE READ hides")
                if level == "repeatable read"
                else nullcontext(),
                server.transaction(isolation=level),
            ):
                server.rows(call)


def two_owners(server: Server, place: Place) -> tuple[int, int]:
    """Return who can buy and who can sell the first quoted issue; they are different users."""
    users = {
        row["account_id"]: row["user_id"]
        for row in server.rows("SELECT account_id, user_id FROM accounts")
    }
    seller = place.ground.quoted[0].makers[0]
    buyer = next(each for each in place.ground.buyers if users[each] != users[seller])
    return buyer, seller


def ask(server: Server, quote: Quote, place: Place) -> str:
    """Send a quote as a limit order to the routine; return what became of it."""
    [answer] = server.rows(
        "SELECT status FROM place_order(%(key)s, %(account)s, %(symbol)s, %(side)s, 'limit', "
        "%(price)s, 1, %(on)s::date, %(at)s::timestamptz)",
        {
            "key": quote.key,
            "account": quote.account_id,
            "symbol": quote.symbol,
            "side": quote.side,
            "price": quote.price_won,
            "on": place.ground.business_date,
            "at": f"{place.ground.at}+00",
        },
    )
    return str(answer["status"])


@pytest.mark.parametrize("locks", ["ordered", "unordered"])
def test_two_switches_of_the_same_issues_meet_in_a_deadlock_unless_locks_are_ordered(
    place: Place, locks: Locks
) -> None:
    one, other = (place.issue() for _ in range(2))
    there = (Leg(one.symbol, "sell", 1), Leg(other.symbol, "buy", 1))
    back = (Leg(other.symbol, "sell", 1), Leg(one.symbol, "buy", 1))
    switches = place.trade(one.sellers[0], *there), place.trade(other.sellers[-1], *back)
    cell = Cell("read committed", None, locks, "spread")
    with (
        place.asked() as violated,
        two(place.target, cell, place.ground, switches) as (first, second),
    ):
        first.go("row").result(WITHIN_S)
        begun = second.go("row")
        if locks == "ordered":
            wait_for_a_lock(place)
        else:
            begun.result(WITHIN_S)
        failed = codes(first.go("end"), second.go("end"))
    assert len(failed) == (locks == "unordered")
    assert set(failed) <= set(DEADLOCK)
    assert not violated


def test_every_body_alone_leaves_the_books_whole(market: Target) -> None:
    loads: list[Load] = ["hot", "spread"]
    written = 0
    for client, load in enumerate(loads):
        with connect(market) as server:
            place = Place(market, survey(server, load))
        requests = Requests(place.ground, seed=3, client=client)
        written += sum(alone(place, requests.take()) for _ in range(20))
    with connect(market) as server:
        assert not [each for each in books.check(server) if each.state == "violated"]
    assert written > 20


def test_the_same_seed_draws_the_same_requests(place: Place) -> None:
    def drawn(seed: int, client: int) -> list[Request]:
        requests = Requests(place.ground, seed=seed, client=client)
        return [requests.take() for _ in range(50)]

    assert drawn(1, 0) == drawn(1, 0)
    assert drawn(1, 0) != drawn(2, 0)
    assert drawn(1, 0) != drawn(1, 1)


def test_a_load_at_serializable_leaves_no_violation_and_every_request_an_end(
    market: Target, engine: str
) -> None:
    plan = IsolationPlan(engine=engine, clients=3, seconds=None, orders=30)
    outcome = measure(market, plan, Cell("serializable", None, "none", "hot"))
    assert not outcome.violations
    assert outcome.orders
    assert outcome.retries + outcome.given_up >= outcome.deadlocks + outcome.conflicts
    assert 0 < outcome.p50_ms <= outcome.p99_ms


def test_a_cell_is_for_each_level_lock_and_load_and_for_the_switch_where_there_is_one() -> None:
    assert len(isolation.cells(IsolationPlan(engine="postgresql"), has_switch=False)) == 18
    assert len(isolation.cells(IsolationPlan(engine="mariadb"), has_switch=True)) == 24
    assert len(isolation.cells(IsolationPlan(engine="mariadb"), has_switch=False)) == 18
    some = IsolationPlan(engine="mariadb", levels=["repeatable read"], locks=["none"])
    assert [each.snapshot for each in isolation.cells(some, has_switch=True)] == [
        False, True, False, True,
    ]  # fmt: skip


def test_the_default_ends_within_three_minutes() -> None:
    for engine in ("postgresql", "mariadb"):
        planned_s = IsolationPlan(engine=engine).planned_s
        assert planned_s is not None
        assert planned_s <= 180


def outcome_of(
    cell: Cell, *, anomalies: tuple[tuple[str, int], ...] = (), **found: float
) -> Outcome:
    counted = dict.fromkeys(EVENTS, 0) | {"orders": 100}
    numbers: dict[str, Any] = {"seconds": 1.0, "orders_per_s": 100.0, "p50_ms": 1.0, "p99_ms": 5.0}
    return Outcome(cell=cell, anomalies=anomalies, **(counted | numbers | found))


def measured_of(*outcomes: Outcome, load_before: float = 0.1) -> Measured:
    return Measured(
        engine="mariadb",
        version="10.11.19",
        plan=IsolationPlan(engine="mariadb"),
        switch=Switch(is_there=True, is_default=False),
        in_memory=True,
        load_before=load_before,
        processors=2,
        outcomes=outcomes,
        took_s=1.0,
    )


OURS = Cell("read committed", None, "ordered", "hot")
BARE = Cell("read committed", None, "none", "hot")
STRICT = Cell("serializable", None, "none", "hot")


def test_the_advice_is_made_of_the_numbers() -> None:
    said = isolation.advice(
        measured_of(
            outcome_of(OURS, orders_per_s=80.0),
            outcome_of(BARE, anomalies=(("cash", 7),), orders_per_s=900.0),
            outcome_of(STRICT, orders_per_s=160.0, given_up=3, deadlocks=9),
        )
    )
    assert any("READ COMMITTED without locks breaks" in each and "cash 7" in each for each in said)
    assert any(
        "SERIALIZABLE without locks was fastest" in each and "50% fewer" in each for each in said
    )
    assert any("9 in 200 orders without locks, 0 in 100" in each for each in said)
    assert any("SERIALIZABLE without locks 3" in each for each in said)
    assert not any("still refused" in each for each in said)


def test_what_ordered_locks_do_not_spare_is_said() -> None:
    held = outcome_of(Cell("repeatable read", True, "ordered", "hot"), conflicts=12)
    said = isolation.advice(measured_of(outcome_of(OURS), held))
    assert (
        "With ordered locks the server still refused: 0 at READ COMMITTED, "
        "12 at REPEATABLE READ (snapshot on)." in said
    )


def test_what_does_not_differ_is_not_told_apart() -> None:
    near = outcome_of(STRICT, orders_per_s=104.0)
    said = " ".join(isolation.advice(measured_of(outcome_of(OURS), near)))
    assert "no difference" in said
    assert "Deadlocks" not in said
    assert "breaks the books" not in said


def test_that_nothing_was_violated_without_locks_is_called_luck() -> None:
    said = " ".join(isolation.advice(measured_of(outcome_of(OURS), outcome_of(BARE))))
    assert "That READ COMMITTED without locks held for 100 orders proves little" in said


def test_a_lock_of_postgresql_at_repeatable_read_is_not_relied_on() -> None:
    fast = outcome_of(Cell("repeatable read", None, "ordered", "hot"), orders_per_s=999.0)
    slow = [outcome_of(OURS), outcome_of(STRICT, orders_per_s=50.0)]
    said = " ".join(isolation.advice(replace(measured_of(fast, *slow), engine="postgresql")))
    assert "That REPEATABLE READ with ordered locks held for 100 orders proves little" in said
    assert "READ COMMITTED with ordered locks was fastest" in said


def test_a_busy_machine_has_no_fastest() -> None:
    rates = [outcome_of(OURS), outcome_of(STRICT, orders_per_s=500.0)]
    said = " ".join(isolation.advice(measured_of(*rates, load_before=24.0)))
    assert "Rates are not compared: the load average was 24.0 on 2 processors" in said
    assert "fastest" not in said


@pytest.mark.parametrize(
    ("cell", "found", "said"),
    [
        (OURS, {"anomalies": (("cash", 1),)}, "violated where they must hold"),
        (STRICT, {"anomalies": (("cash", 1),)}, "violated where they must hold"),
        (BARE, {"orders": 0}, "nothing was measured"),
        (BARE, {"anomalies": (("cash", 1),)}, None),
    ],
    ids=["as place_order works", "at serializable", "nothing", "where it has to be expected"],
)
def test_what_must_not_be_found_fails(cell: Cell, found: dict[str, Any], said: str | None) -> None:
    failure = isolation.failure(measured_of(outcome_of(cell, **found)))
    assert said in str(failure) if said else failure is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--seconds", "1", "--orders", "9"], "exclude each other"),
        (["--clients", "1"], "--clients is 2 to 128, not 1"),
        (["--orders", "2"], "fewer than the 8 clients"),
        (["--plan", "--format", "csv"], "a plan is no table"),
    ],
    ids=["both lengths", "one client", "too few orders", "a plan as csv"],
)
def test_a_command_line_that_makes_no_sense_is_refused(words: list[str], said: str) -> None:
    ran = CliRunner().invoke(main, ["trade", "isolation", *words])
    assert ran.exit_code == 2
    assert said in ran.stderr + str(ran.exception)


def test_the_plan_names_cells_and_the_time() -> None:
    ran = CliRunner().invoke(main, ["trade", "isolation", "--engine", "mariadb", "--plan"])
    assert ran.exit_code == 0
    assert "24 cells" in ran.stdout
    assert "about 2m" in ran.stdout
    assert "repeatable read, snapshot on" in ran.stdout


@pytest.mark.parametrize("form", ["table", "json", "csv", "html"])
def test_every_form_holds_every_cell(form: str) -> None:
    outcomes = [outcome_of(OURS), outcome_of(BARE, anomalies=(("cash", 7), ("cost", 2)))]
    shown = isolationview.written(measured_of(*outcomes), form)
    assert "cash 7, cost 2" in shown
    assert "read committed" in shown
    if form == "json":
        found = json.loads(shown)
        assert [each["violations"] for each in found["cells"]] == [0, 9]
        assert found["advice"]


@pytest.mark.soak
def test_the_command_measures_and_leaves_nothing(engine: str) -> None:
    words = ["trade", "isolation", "--engine", engine, "--load", "hot", "--orders", "60"]
    ran = CliRunner().invoke(main, [*words, "--format", "json"])
    assert ran.exit_code == 0, ran.stderr
    cells = json.loads(ran.stdout)["cells"]
    assert len(cells) == (12 if engine == "mariadb" else 9)
    assert all(each["orders"] for each in cells)
    assert not [lab for lab in lab_places.names() if lab.startswith("temporary-")]


@pytest.mark.soak
def test_ctrl_c_in_the_middle_of_a_cell_leaves_nothing(engine: str) -> None:
    words = [sys.executable, "-m", "stockops", "trade", "isolation", "--engine", engine]
    with tempfile.TemporaryDirectory(prefix="isolation-") as folder:
        Path(folder).chmod(0o711)
        environment = os.environ | {"STOCKOPS_LABS": f"{folder}/l"}
        run = subprocess.Popen(
            [*words, "--seconds", "60"], env=environment, stderr=subprocess.PIPE, text=True
        )
        try:
            eventually(lambda: _clients_of(run.pid) >= 4, within_s=120)
            run.send_signal(signal.SIGINT)
            _, said = run.communicate(timeout=60)
        finally:
            run.kill()
        assert run.returncode == 130, said
        assert not [*Path(folder).glob("l/temporary-*")]
        assert not _clients_of(run.pid)


def _clients_of(pid: int) -> int:
    """Return how many processes of the load there are."""
    found = Path(f"/proc/{pid}/task/{pid}/children")
    if not found.exists():
        return 0
    words = [Path(f"/proc/{child}/cmdline") for child in found.read_text("ascii").split()]
    return sum("isolation" in each.read_text("utf-8") for each in words if each.exists())
