"""A check of what is new since a proof: as good as a whole one, for what is new."""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner, Result
from conftest import Labs, ending, eventually
from floor import FIRST_DAY, SECOND_DAY, Floor
from market import Markets
from trading import bed_of, member

from stockops import audit, books, queries
from stockops.books import InvariantResult, proofs, since, snapshots
from stockops.books.checking import ask
from stockops.books.planting import corruptions
from stockops.books.scratch import copied
from stockops.cli import main
from stockops.engine import ENGINES, connect
from stockops.engine.base import Server
from stockops.errors import Finding, ServerError
from stockops.lab import Lab
from stockops.targets import Target

# Planted in rows that the proof had seen: what a check since then cannot see.
OLD = {
    ("audit_chain", "A seal is gone."),
    ("audit_chain", "A sealed audit row is gone."),
    ("audit_chain", "A sealed audit row reads differently now."),
}


# All of them, and that what a proof had counted is unaltered.
WHOLE = "{0} of {0} invariants held".format(len(books.NAMES) + 1)


def command(target: Target, *words: str) -> Result:
    return CliRunner().invoke(main, ["books", "check", "-t", target.url, *words])


def proven(target: Target) -> books.Proving:
    with connect(target) as server, connect(target, bulk=True) as writer:
        return books.prove(server, writer, now=lambda: datetime.now(UTC))


def judged(target: Target) -> list[InvariantResult]:
    with connect(target) as server:
        return books.check_since(server)[1]


@contextmanager
def traded(lab: Lab, markets: Markets) -> Iterator[Target]:
    """Give a market that has traded on two days, with a proof of it."""
    with markets.open(lab) as target:
        with connect(target) as server:
            floor = Floor(server)
            floor.trade(150, day=FIRST_DAY)
            audit.fold(server, FIRST_DAY)
            floor.trade(100, day=SECOND_DAY)
            audit.seal_all(server)
        assert proven(target).proof
        yield target


@pytest.fixture(scope="module", params=sorted(ENGINES))
def market(request: pytest.FixtureRequest, all_labs: Labs, markets: Markets) -> Iterator[Target]:
    """The same, to be written to: whoever does leaves books that hold, and a proof."""
    with traded(all_labs.get(request.param), markets) as target:
        yield target


@pytest.fixture(scope="module", params=sorted(ENGINES))
def grown(request: pytest.FixtureRequest, all_labs: Labs, markets: Markets) -> Iterator[Target]:
    """A market with a proof in the middle of its second day: shared, so only to be read."""
    with traded(all_labs.get(request.param), markets) as target:
        with connect(target) as server:
            floor = Floor(server, seed=2)
            floor.trade(100, day=SECOND_DAY)
            audit.seal_all(server)
        yield target


NUMBERED = ("condition_id", "prediction_id", "notification_id")


class _Undo(Exception):
    pass


def test_what_is_new_is_judged_as_by_a_whole_check(grown: Target) -> None:
    differing = {}
    with copied(grown) as server:
        proof = proofs.latest(server)
        assert proof
        # What is planted has numbers below zero there.
        params = proofs.params(proof) | dict.fromkeys(NUMBERED, -100)
        server.execute(queries.text(server.engine, "checking/session", server.version[0]))
        for whole in books.load(server):

            def part(*without: str, whole: books.Invariant = whole) -> InvariantResult:
                keys = since.with_keys([server], params)
                assert keys.keys() >= {*without}
                kept = {name: value for name, value in keys.items() if name not in without}
                return replace(ask(server, since.narrowed(server, whole, kept)), ms=0)

            assert part().state in {"held", "unchanged"}, whole.name
            for corruption in corruptions(whole.name):
                with suppress(_Undo), server.transaction():
                    for statement in corruption.sql.split(";\n"):
                        assert server.execute(statement)
                    said, found = ask(server, whole), part()
                    assert said.state == "violated"
                    if "touched_orders" in since.NARROWED.get(whole.name, {}).values():
                        assert part("few_order_ids") == found  # where they are many
                    if found.violations < said.violations:
                        differing[whole.name, corruption.what] = found
                    raise _Undo
    assert {*differing} == OLD, differing


def test_each_relation_is_used_and_each_invariant_is_there() -> None:
    assert {*since.NARROWED, *since.OWN} <= {*books.NAMES}
    assert not {*since.NARROWED} & {*since.OWN}
    used = {relation for tables in since.NARROWED.values() for relation in tables.values()}
    assert used <= {*since.RELATIONS}
    for name, (relation, expression) in since.CARRIED.items():
        assert relation in since.RELATIONS
        for engine in ENGINES:
            text = queries.text(engine, f"books/{name}", (99, 0))
            assert text.count(f"{expression} AS (\n") == 1, (engine, name)


def test_whatever_happens_both_checks_say_the_same(market: Target) -> None:
    draw = random.Random(7)
    with connect(market) as server:
        floor = Floor(server, seed=3)
        for step in range(4):
            floor.trade(draw.randint(1, 40), day=SECOND_DAY)
            if draw.random() < 0.5:
                audit.seal_all(server)
            if step == 2:
                audit.fold(server, SECOND_DAY)
            _, found = books.check_since(server)
            assert books.passed(books.check(server)), step
            assert books.passed(found), step
        assert {each.name for each in found} == {*books.NAMES}


NEXT = {
    "postgresql": "SELECT nextval('event_ids') AS n",
    "mariadb": "SELECT NEXTVAL(event_ids) AS n",
}


def begin(server: Server) -> int:
    """Begin to write a rejected order, and return its number: it is committed later."""
    server.execute("START TRANSACTION")
    [stock] = server.rows("SELECT max(symbol) AS symbol FROM stock_inventory")
    server.rows("SELECT symbol FROM stock_inventory WHERE symbol = %(symbol)s FOR UPDATE", stock)
    number = int(server.rows(NEXT[server.engine])[0]["n"])
    server.execute(
        "INSERT INTO orders (order_id, account_id, idempotency_key, symbol, side, kind, quantity, "
        "status, reason, business_date, placed_at, closed_event_id) "
        f"SELECT {number}, 1001, 'slow-{number}', symbol, 'buy', 'market', 1, 'rejected', "
        f"'insufficient_cash', '2025-01-06', '2025-01-06 01:30:00', {number} "
        "FROM stock_inventory WHERE symbol = %(symbol)s",
        stock,
    )
    server.execute(
        "INSERT INTO audit_log (audit_id, business_date, action, entity, entity_id, detail) "
        f"VALUES ({number}, '2025-01-06', 'place', 'order', '{number}', 'buy market rejected')"
    )
    return number


def test_a_proof_waits_for_whoever_holds_numbers_below_its_mark(market: Target) -> None:
    with connect(market) as server, connect(market) as slow, ThreadPoolExecutor() as pool:
        number = begin(slow)
        Floor(server, seed=4).trade(20, day=SECOND_DAY)  # commits larger numbers
        audit.seal_all(server)
        marks = pool.submit(lambda: proofs.marks(server))
        with pytest.raises(TimeoutError):
            marks.result(timeout=1)
        slow.execute("COMMIT")
        assert number < marks.result(timeout=30).event_id
        audit.seal_all(server)
        assert proven(market).proof
        assert books.passed(judged(market))


def test_what_commits_between_the_mark_and_the_snapshot_is_counted_once(
    market: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = proofs.marks
    with connect(market) as other, connect(market) as slow:

        def busy(server: Server) -> proofs.Marks:
            found = real(server)
            begin(slow)
            Floor(other, seed=5).trade(20, day=SECOND_DAY)
            audit.seal_all(other)
            return found

        monkeypatch.setattr(proofs, "marks", busy)
        done = proven(market)
        assert done.proof
        slow.execute("COMMIT")
        [row] = other.rows(
            "SELECT count(*) AS n FROM books_proof_events WHERE kind = 'seen' "
            f"AND proof_id = {done.proof.proof_id}"
        )
        assert row["n"] >= 20
        found = {each.name: each for each in judged(market)}
        assert books.passed(found.values())
        assert found["quarantine"].looked_at == 1
        audit.seal_all(other)


def test_nothing_is_stored_while_somebody_goes_on_writing(
    market: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proofs, "WAIT_S", 0.1)
    with connect(market) as slow:
        begin(slow)
        done = command(market, "--prove")
        slow.execute("ROLLBACK")
    assert done.exit_code == 1
    assert "no proof was stored: a transaction has been writing for longer" in done.stderr
    assert f"{len(books.NAMES)} of {len(books.NAMES)}" in done.stdout


CHANGES = {
    "books_proofs": "UPDATE books_proofs SET entries = entries + 1",
    "books_proof_sums": "UPDATE books_proof_sums SET cost_won = cost_won + 1",
    "books_proof_issues": "UPDATE books_proof_issues SET last_trade_id = last_trade_id + 1",
    "books_proof_events": "DELETE FROM books_proof_events",
}


def test_a_proof_that_was_changed_is_refused(market: Target) -> None:
    with connect(market) as server:
        for table, change in CHANGES.items():
            with suppress(_Undo), server.transaction():
                assert server.execute(change), table
                proof = proofs.latest(server)
                assert proof
                with pytest.raises(Finding, match="not as it was stored"):
                    proofs.verify(server, proof)
                raise _Undo
        server.execute(CHANGES["books_proofs"])
    done = command(market, "--incremental")
    assert done.exit_code == 1
    assert "books check --prove" in done.stderr
    done = command(market, "--prove")  # stored anew, and not without a word
    assert done.exit_code == 1
    assert "is not as it was stored" in done.stdout
    assert "stored as proof" in done.stdout
    assert books.passed(judged(market))


def test_a_proof_of_a_later_state_is_refused(grown: Target) -> None:
    with copied(grown) as server:
        proof = proofs.latest(server)
        assert proof
        for table, column, number in (
            ("orders", "order_id", proof.last_order_id),
            ("trades", "trade_id", proof.last_trade_id),
        ):
            with suppress(_Undo), server.transaction():
                assert server.execute(f"DELETE FROM {table} WHERE {column} = {number}")
                with pytest.raises(Finding, match="of a later state than these books") as told:
                    proofs.verify(server, proof)
                assert "restored" in (told.value.hint or "")
                raise _Undo


def test_an_entry_that_was_changed_where_no_invariant_looks_breaks_the_next_proof(
    grown: Target,
) -> None:
    with copied(grown) as server, connect(grown, bulk=True) as writer:
        server.execute(
            "UPDATE journal_entries SET kind = 'deposit' WHERE leg = 1 AND kind = 'open'"
        )
        before = proofs.latest(writer)
        done = books.prove(server, writer, now=lambda: datetime.now(UTC))
        assert {r.name for r in done.results if r.state == "violated"} == {"proven_entries"}
        assert done.proof is None
        assert proofs.latest(writer) == before


def test_more_than_a_statement_can_name_asks_for_a_new_proof(market: Target) -> None:
    with connect(market) as server:
        if server.engine == "postgresql":
            pytest.skip("a value takes up to 1 GB there")
        [before] = server.rows("SELECT @@global.max_allowed_packet AS bytes")
        server.execute("SET GLOBAL max_allowed_packet = 1048576")
        try:
            done = command(market, "--incremental")
        finally:
            server.execute("SET GLOBAL max_allowed_packet = %(bytes)s", before)
    assert done.exit_code == 1
    assert "too much is new since the proof" in done.stderr
    assert "books check --prove" in done.stderr


LOCKS = {
    "postgresql": "LOCK TABLE books_proof_issues IN EXCLUSIVE MODE",
    "mariadb": "LOCK TABLES books_proof_issues WRITE",
}
WAITING = {
    "postgresql": "SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock'",
    "mariadb": "SELECT count(*) AS n FROM information_schema.processlist "
    "WHERE state = 'Waiting for table metadata lock'",
}


def test_a_kill_in_the_middle_of_storing_leaves_the_proof_before(market: Target) -> None:
    with connect(market) as server, connect(market) as blocker:
        before = proofs.latest(server)
        blocker.execute("START TRANSACTION")
        blocker.execute(LOCKS[server.engine])
        words = ["-m", "stockops", "books", "check", "-t", market.url, "--prove"]
        with (
            subprocess.Popen(
                [sys.executable, *words],
                stdout=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            ) as child,
            ending(child),
        ):
            assert eventually(lambda: server.rows(WAITING[server.engine])[0]["n"])
            child.kill()
        blocker.execute("ROLLBACK" if server.engine == "postgresql" else "UNLOCK TABLES")
        assert eventually(lambda: not server.rows(WAITING[server.engine])[0]["n"])
        assert proofs.latest(server) == before
        assert books.passed(judged(market))


def test_ctrl_c_ends_both_sessions_of_a_check_at_once(market: Target) -> None:
    # Every question reads one of them but the first, which is one session's alone.
    tables = ("orders", "journal_entries", "accounts", "positions", "audit_log")
    hold = {
        "postgresql": f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE",
        "mariadb": f"LOCK TABLES {', '.join(f'{table} WRITE' for table in tables)}",
    }
    with connect(market) as server, connect(market) as blocker:
        blocker.execute("START TRANSACTION")
        blocker.execute(hold[server.engine])
        with subprocess.Popen(
            [sys.executable, "-m", "stockops", "books", "check", "-t", market.url],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        ) as child:
            try:
                assert eventually(lambda: server.rows(WAITING[server.engine])[0]["n"] == 2)
                child.send_signal(signal.SIGINT)
                assert child.wait(60) == 130
            finally:
                child.kill()


def test_the_command_proves_and_goes_on_from_there(market: Target) -> None:
    for _ in range(3):
        done = command(market, "--prove")
        assert done.exit_code == 0, done.stderr
        assert WHOLE in done.stdout
        assert "stored as proof" in done.stdout
    with connect(market) as server:
        assert server.rows("SELECT count(*) AS n FROM books_proofs")[0]["n"] == proofs.KEPT
        [row] = server.rows("SELECT count(DISTINCT proof_id) AS n FROM books_proof_sums")
        assert row["n"] == proofs.KEPT
    done = command(market, "--incremental")
    assert done.exit_code == 0, done.stderr
    assert "held before and had no new row" in done.stdout
    assert "changed in place before that is not seen" in done.stdout
    told = command(market, "--incremental", "--format", "json")
    assert {line["state"] for line in json.loads(told.stdout)} == {"held", "unchanged"}
    assert command(market, "--prove", "--only", "cash").exit_code == 2


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_who_may_read_checks_and_cannot_prove(all_labs: Labs, engine: str) -> None:
    with bed_of(all_labs.get(engine)) as bed, member(bed, "read") as reader:
        with pytest.raises(Finding, match="no proof to start from"):
            books.check_since(reader)
        for change in CHANGES.values():
            with pytest.raises(ServerError, match="denied"):
                reader.execute(change)


def test_two_sessions_see_one_moment_while_orders_go_on(market: Target) -> None:
    seen = []
    with connect(market) as server, connect(market) as helper, connect(market) as busy:
        floor = Floor(busy, seed=6)
        for _ in range(3):
            floor.trade(10, day=SECOND_DAY)
            with snapshots.one_moment(server, helper) as sessions:
                floor.trade(10, day=SECOND_DAY)
                counted = [
                    each.rows("SELECT count(*) AS n FROM orders")[0]["n"] for each in sessions
                ]
                seen.append(counted)
        audit.seal_all(busy)
    assert {len(set(counted)) for counted in seen} == {1}
    assert {len(counted) for counted in seen} == {2}
