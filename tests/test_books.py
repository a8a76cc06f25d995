"""What must hold in the books, and the proof that each invariant would notice."""

import json
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from importlib import resources

import pytest
from click.testing import CliRunner
from conftest import Labs
from floor import FIRST_DAY, SECOND_DAY, Floor
from market import Markets

from stockops import audit, books
from stockops.books import InvariantResult
from stockops.books.checking import EXAMPLES_MAX
from stockops.books.planting import corruptions
from stockops.cli import main
from stockops.engine import ENGINES, connect
from stockops.engine.base import Server
from stockops.errors import ConfigError, Finding, Unreachable
from stockops.targets import Target


@pytest.fixture(scope="module", params=sorted(ENGINES))
def traded(request: pytest.FixtureRequest, all_labs: Labs, markets: Markets) -> Iterator[Target]:
    """A market that has traded on two days, and is sealed: shared, so only to be read."""
    with markets.open(all_labs.get(request.param)) as target:
        with connect(target) as server:
            floor = Floor(server)
            floor.trade(200, day=FIRST_DAY)
            audit.fold(server, FIRST_DAY)
            floor.trade(200, day=SECOND_DAY)
            audit.seal_all(server)
        yield target


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    out: str
    err: str


def stockops(*words: str) -> Ran:
    """Run the command line, in this process."""
    done = CliRunner().invoke(main, words)
    return Ran(done.exit_code, done.stdout, done.stderr)


def bad(results: list[InvariantResult]) -> list[InvariantResult]:
    return [result for result in results if result.state != "held"]


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_each_invariant_has_one_file_for_each_engine(engine: str) -> None:
    folder = resources.files("stockops") / "sql" / engine / "books"
    assert {file.name for file in folder.iterdir()} == {f"{name}.sql" for name in books.NAMES}


def test_each_invariant_has_a_corruption_that_it_must_notice() -> None:
    for name in books.NAMES:
        planted = list(corruptions(name))
        assert planted, name
        assert all(each.what.endswith(".") for each in planted), name


def test_the_books_hold_after_two_days_of_trading(traded: Target) -> None:
    with connect(traded) as server:
        results = books.check(server)
    assert not bad(results)
    assert books.passed(results)
    assert [result.name for result in results] == list(books.NAMES)
    assert all(result.looked_at and result.title.endswith(".") for result in results)


def test_two_sessions_find_what_one_finds(traded: Target) -> None:
    with connect(traded) as server:
        alone = [replace(each, ms=0) for each in books.check(server)]
    opened: list[Target] = []

    def connected() -> AbstractContextManager[Server]:
        opened.append(traded)
        return connect(traded)

    found = books.check_still(connected)
    assert [replace(each, ms=0) for each in found] == alone
    assert len(opened) == 2


def test_what_stops_either_of_two_sessions_is_raised(traded: Target) -> None:
    opened: list[Target] = []
    for refused in (1, 2):
        opened.clear()

        def connected(refused: int = refused) -> AbstractContextManager[Server]:
            opened.append(traded)
            if len(opened) == refused:
                raise Unreachable("no more sessions")
            return connect(traded)

        with pytest.raises(Unreachable, match="no more"):
            books.check_still(connected)


def test_both_engines_look_at_the_same_rows(all_labs: Labs, markets: Markets) -> None:
    seen = []
    for engine in sorted(ENGINES):
        with markets.open(all_labs.get(engine)) as target, connect(target) as server:
            Floor(server).trade(100)
            seen.append({result.name: result.looked_at for result in books.check(server)})
    assert seen[0] == seen[1]


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_before_the_first_trade_nothing_settles_and_wrong_cash_is_told_by_cash(
    engine: str, all_labs: Labs, markets: Markets
) -> None:
    with markets.open(all_labs.get(engine)) as target, connect(target) as server:
        held = {result.name: result.state for result in books.check(server)}
        server.execute("UPDATE accounts SET cash_won = cash_won + 1 WHERE kind = 'customer'")
        found = {result.name: result.state for result in books.check(server)}
    assert (held["cash"], held["settlement"]) == ("held", "inconclusive")
    assert {name for name, state in found.items() if state != held[name]} == {"cash"}


def test_the_self_test_catches_every_corruption_and_leaves_the_books_alone(
    traded: Target,
) -> None:
    results = books.self_test(traded)
    assert [result for result in results if not result.caught] == []
    assert {result.invariant for result in results} == set(books.NAMES)
    with connect(traded) as server:
        assert not bad(books.check(server))


def test_the_self_test_fails_an_invariant_that_sees_nothing(traded: Target) -> None:
    with connect(traded) as server:
        [cash] = books.load(server, ["cash"])
    blind = replace(cash, sql=cash.sql.replace("cash_won <> due_won", "1 = 0"))
    assert blind.sql != cash.sql
    results = books.self_test(traded, asked=[blind])
    assert [(result.caught, result.found) for result in results] == [(False, ""), (False, "")]


def test_the_self_test_wants_books_that_hold_to_begin_with(traded: Target) -> None:
    with connect(traded) as server:
        [cash] = books.load(server, ["cash"])
    broken = replace(cash, sql=cash.sql.replace("cash_won <> due_won", "1 = 1"))
    with pytest.raises(Finding, match="before anything is planted: cash"):
        books.self_test(traded, asked=[broken])


@pytest.mark.parametrize("way", [[], ["--self-test"]], ids=["check", "self-test"])
def test_a_database_without_books_is_told(target: Target, way: list[str]) -> None:
    ran = stockops("books", "check", "--target", target.url, *way)
    assert ran.code == 1
    assert "error: there are no books to check: tables are missing" in ran.err
    assert "hint: Make the tables with: stockops migrate up" in ran.err


def test_a_violation_is_counted_whole_and_shown_in_part(market: Target) -> None:
    with connect(market) as server:
        customers = server.execute(
            "UPDATE accounts SET cash_won = cash_won + 1 WHERE kind = 'customer'"
        )
        [cash] = books.check(server, only=["cash"])
    assert (cash.state, cash.violations) == ("violated", customers)
    assert len(cash.examples) == EXAMPLES_MAX < customers
    assert cash.examples[0].entity == "account 1001"
    due, found = (
        int(text.split()[0]) for text in (cash.examples[0].expected, cash.examples[0].found)
    )
    assert found == due + 1


def test_a_market_that_has_not_traded_proves_nothing(market: Target) -> None:
    with connect(market) as server:
        results = books.check(server)
    states = {result.name: result.state for result in results}
    assert states["cash"] == "held"
    assert states["trade_journal"] == states["audit_chain"] == "inconclusive"
    assert not books.passed(results)
    assert stockops("books", "check", "--target", market.url).code == 1


def test_nothing_asked_is_nothing_proved() -> None:
    assert not books.passed([])


def test_an_empty_database_has_no_books(target: Target) -> None:
    ran = stockops("books", "check", "--target", target.url)
    assert ran.code == 1
    assert "no books to check" in ran.err
    assert "stockops migrate up" in ran.err


def test_an_unknown_invariant_is_told_with_the_nearest_name(server: Server) -> None:
    with pytest.raises(ConfigError, match="'cahs'") as caught:
        books.check(server, only=["cahs"])
    assert caught.value.hint == "Did you mean cash?"


def test_the_command_answers_in_json(traded: Target) -> None:
    ran = stockops("books", "check", "--target", traded.url, "--format", "json")
    assert ran.code == 0, ran.err
    rows = json.loads(ran.out)
    assert [row["name"] for row in rows] == list(books.NAMES)
    assert set(rows[0]) == {field.name for field in fields(InvariantResult)}


def test_the_command_names_what_is_wrong(market: Target) -> None:
    with connect(market) as server:
        server.execute("UPDATE accounts SET cash_won = cash_won + 7 WHERE account_id = 1001")
    ran = stockops(
        "books", "check", "--target", market.url, "--only", "cash", "--only", "available"
    )
    assert ran.code == 1
    assert "account 1001: expected" in ran.out
    assert "1 of 2 invariants held" in ran.out


def test_the_self_test_is_a_command(traded: Target) -> None:
    ran = stockops("books", "check", "--target", traded.url, "--self-test", "--only", "holdings")
    assert ran.code == 0, ran.err
    assert "2 of 2 corruptions caught" in ran.out


def test_a_check_under_load_gives_no_false_alarm(market: Target) -> None:
    with connect(market) as server:
        audit.fold(server, FIRST_DAY - timedelta(days=1))
        Floor(server, seed=1).trade(50)
        audit.seal_all(server)
    done = threading.Event()
    failures: list[BaseException] = []

    def load() -> None:
        try:
            with connect(market) as busy:
                floor = Floor(busy, seed=2)
                while not done.is_set():
                    floor.trade(10)
        except BaseException as exc:  # told by the test's own thread
            failures.append(exc)

    trading = threading.Thread(target=load)
    trading.start()
    try:
        with connect(market) as server:
            before = server.rows("SELECT count(*) AS n FROM orders")[0]["n"]
            found = [bad(books.check(server)) for _ in range(3)]
            after = server.rows("SELECT count(*) AS n FROM orders")[0]["n"]
        copied = books.self_test(market, only=["cash", "holdings", "order_fills"])
    finally:
        done.set()
        trading.join(30)
    assert not failures
    assert after > before, "there was no load"
    assert found == [[], [], []]
    assert all(result.caught for result in copied)
