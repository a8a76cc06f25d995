"""A reset that is killed on its way: what is left says so, and the next one ends it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from click.testing import CliRunner
from conftest import Labs, eventually
from market import Markets

from stockops import lab as labs
from stockops import orders, seeding
from stockops.cli import main
from stockops.engine import connect
from stockops.engine.base import Server
from stockops.errors import Busy, Refused
from stockops.orders import Order
from stockops.plan import Consent
from stockops.seeding import SeedPlan, state
from stockops.targets import Target

# Who waits for the table that the test holds.
RESETTING = {
    "postgresql": "SELECT a.pid AS id FROM pg_stat_activity AS a WHERE a.wait_event_type = 'Lock' "
    "AND a.query LIKE '%TRUNCATE%' AND a.datname = current_database()",
    "mariadb": "SELECT p.id AS id FROM information_schema.processlist AS p "
    "WHERE p.state = 'Waiting for table metadata lock' AND p.db = database()",
}
END = {"postgresql": "SELECT pg_terminate_backend({})", "mariadb": "KILL {}"}


def arguments(plan: SeedPlan) -> list[str]:
    numbers = {"--users": plan.users, "--accounts": plan.accounts, "--days": plan.days}
    return ["--listing", plan.listing, *(str(part) for pair in numbers.items() for part in pair)]


def run(*command: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["seed", *command])
    return done.exit_code, done.output


@contextmanager
def half_a_reset(target: Target, server: Server) -> Iterator[int]:
    """Kill a reset, with -9, while it waits in the midst; give the number of its session."""
    with connect(target) as holder, holder.transaction():
        holder.rows("SELECT count(*) AS n FROM orders")
        command = [sys.executable, "-m", "stockops", "seed", "reset", "-t", target.url, "--yes"]
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            waits = eventually(lambda: server.rows(RESETTING[server.engine]))
        finally:
            child.kill()
            child.wait(60)
        yield int(waits[0]["id"])


def settled(server: Server) -> state.State | None:
    """Return the state; None while the session of the killed reset is there."""
    try:
        with state.lock(server):
            return seeding.status(server)
    except Busy:
        return None


def check_that_nothing_is_claimed(target: Target, plan: SeedPlan, before: state.State) -> None:
    """On PostgreSQL a reset is one transaction, and all of it is still there."""
    with connect(target) as server:
        found = seeding.status(server)
        if server.engine == "postgresql":
            assert found == before
            assert seeding.run(target, plan).done_before
            return
        assert (found.stage, found.sha256, found.tables) == ("foreign", None, ())
        code, said = run("status", "-t", target.url)
        assert (code, "foreign: " in said) == (1, True)
        with pytest.raises(Refused, match="no seed of stockops made") as caught:
            seeding.run(target, plan)
        assert "stockops seed reset" in (caught.value.hint or "")
        order = Order(key="k", account_id=1001, symbol="005930", side="buy", quantity=1)
        assert orders.place(server, order).reason == "unknown_symbol"


def test_a_reset_goes_on_without_its_client(market: Target, markets: Markets) -> None:
    with connect(market) as server:
        before = seeding.status(server)
        with half_a_reset(market, server), pytest.raises(Busy), state.lock(server):
            pytest.fail("the session of the killed reset has the lock")
        assert eventually(lambda: settled(server)) == state.EMPTY
        assert seeding.run(market, markets.plan).sha256 == before.sha256


def test_a_reset_that_ends_half_way_is_seen_and_ended_by_the_next(
    market: Target, markets: Markets
) -> None:
    with connect(market) as server:
        before = seeding.status(server)
        with half_a_reset(market, server) as session:
            server.execute(END[server.engine].format(session))
        assert eventually(lambda: settled(server))
        check_that_nothing_is_claimed(market, markets.plan, before)
        command = ("run", "-t", market.url, *arguments(markets.plan), "--reset", "--yes")
        code, said = run(*command)
        assert code == 0, said
        assert seeding.status(server).sha256 == before.sha256


def test_a_reset_that_a_dying_server_cut_off_is_ended_by_the_next(
    engine: str, all_labs: Labs, markets: Markets
) -> None:
    all_labs.get(engine)  # skips where the engine is missing
    with labs.temporary(engine) as doomed, markets.open(doomed) as target:
        with ExitStack() as stack:
            server = stack.enter_context(connect(target))
            before = seeding.status(server)
            holder = stack.enter_context(connect(target))
            holder.execute("BEGIN")
            holder.rows("SELECT count(*) AS n FROM orders")
            command = [sys.executable, "-m", "stockops", "seed", "reset", "-t", target.url, "--yes"]
            child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                eventually(lambda: server.rows(RESETTING[engine]))
                labs.crash(doomed)
                assert child.wait(60) != 0
            finally:
                child.kill()
                child.wait(60)
        labs.start(doomed)
        check_that_nothing_is_claimed(target, markets.plan, before)
        seeding.reset(target, consent=Consent(yes=True))
        assert seeding.run(target, markets.plan).sha256 == before.sha256
