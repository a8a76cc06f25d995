"""What clients were told against what is there: after answers that were lost, and a failover."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import Labs, eventually
from market import Markets
from promises import Told
from test_replication import cut

from stockops import audit, books, journal, numbering, orders, proxy, replication, workload
from stockops import lab as labs
from stockops.cli import main
from stockops.engine import ENGINES, connect
from stockops.journal import Audit
from stockops.lab import Lab
from stockops.orders import clock_of
from stockops.proxy import LostReply
from stockops.targets import Target
from stockops.workload import RunPlan
from stockops.workload.ground import survey
from stockops.workload.plan import OPENS_AT

SOON_S = 90.0
DATABASE = "failing"
KEPT_IDS = 420  # the orders that are kept draw fewer numbers than this, and with the lost ones more
ORDERS_ONLY = {"market": 30, "limit": 70}
KEY = re.compile(r"r[0-9a-f]+-\d{3}-\d{9}")
RUNS_ON = {
    "postgresql": "SELECT 1 FROM pg_stat_activity WHERE application_name = 'stockops trade' "
    "AND datname = current_database()",
    "mariadb": "SELECT 1 FROM information_schema.processlist WHERE db = database() "
    "AND id <> connection_id()",
}
WAITS = {
    "postgresql": "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
    "AND datname = current_database()",
    "mariadb": "SELECT 1 FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'",
}


@dataclass(slots=True)
class Pair:
    """A primary with a market, and its replica."""

    primary: Lab
    replica: Lab

    def rows(self, lab: Lab, sql: str) -> list[dict[str, object]]:
        with connect(at(lab)) as server:
            return server.rows(sql)

    def keys(self, lab: Lab) -> set[str]:
        """The keys of all orders that `lab` holds."""
        rows = self.rows(lab, "SELECT idempotency_key AS k FROM orders")
        return {str(row["k"]) for row in rows}


def at(lab: Lab) -> Target:
    return Target(name=lab.name, url=lab.url(DATABASE), lab=lab.name)


@pytest.fixture(scope="module", params=sorted(ENGINES))
def pair(request: pytest.FixtureRequest, all_labs: Labs, markets: Markets) -> Iterator[Pair]:
    engine = str(request.param)
    all_labs.get(engine)  # skips where the engine is missing
    with ExitStack() as stack:
        primary = stack.enter_context(labs.temporary(engine, port=engine == "mariadb"))
        markets.filled(primary, DATABASE)
        replica = stack.enter_context(replication.temporary(primary))
        if engine == "mariadb":
            near_the_end(primary)
        yield Pair(primary, replica)


def near_the_end(lab: Lab) -> None:
    """Draw numbers until few are left of the thousand that the log of MariaDB holds at once."""
    with connect(at(lab)) as server:
        first = int(server.rows("SELECT NEXTVAL(event_ids) AS n")[0]["n"])
        [standing] = server.fetch(numbering.STANDING)
        left = standing.last_id - first - KEPT_IDS
        server.rows(f"SELECT NEXTVAL(event_ids) AS n FROM seq_1_to_{left}")


def traded(lab: Lab, folder: Path, *, seed: int) -> Told:
    """Place some orders, and return what their clients were told."""
    plan = RunPlan(clients=2, orders=160, journal=folder, seed=seed, seal=False)
    result = workload.run(at(lab), plan)
    assert result.failure is None
    return Told.of(folder)


def audited(lab: Lab, folder: Path) -> Audit:
    with connect(at(lab)) as server:
        return journal.audit(server, folder, examples_max=None)


COPIES = {
    "prediction_id": "predictions (user_id, symbol, model_version, side, confidence, target_won, "
    "status, predicted_at, expires_at) SELECT user_id, symbol, model_version, side, confidence, "
    "target_won, status, predicted_at, expires_at FROM predictions WHERE status = 'valid' LIMIT 1",
    "condition_id": "conditions (user_id, account_id, symbol, rule, status, expires_at, created_at)"
    " SELECT user_id, account_id, symbol, rule, 'paused', expires_at, created_at FROM conditions "
    "LIMIT 1",
    "notification_id": "notifications (user_id, kind, channel, body, created_at) SELECT user_id, "
    "kind, channel, body, created_at FROM notifications LIMIT 1",
}


def numbered(lab: Lab) -> dict[str, int]:
    """Store a prediction, a condition and a message; return the numbers they got."""
    found = {}
    with connect(at(lab)) as server:
        for key, rows in COPIES.items():
            server.execute(f"INSERT INTO {rows}")
            table = rows.partition(" ")[0]
            found[key] = int(server.rows(f"SELECT max({key}) AS n FROM {table}")[0]["n"])
    return found


def test_a_failover_names_what_it_lost_and_gives_no_number_again(
    pair: Pair, tmp_path: Path
) -> None:
    kept = traded(pair.primary, tmp_path / "kept", seed=1)
    eventually(lambda: pair.keys(pair.replica) >= kept.orders.keys(), SOON_S)
    cut(pair.replica)
    lost = traded(pair.primary, tmp_path / "lost", seed=2)
    assert audited(pair.primary, tmp_path / "lost").clean
    gone = numbered(pair.primary)
    labs.crash(pair.primary)
    handover = replication.plan_promotion(pair.replica.name)
    assert any("not given again" in step.why for step in handover.steps)
    replication.promote(handover)

    found = audited(pair.replica, tmp_path / "lost")
    missing = [each for each in found.examples if each.what == "missing"]
    cancels = [each.key for each in missing if each.expected.endswith(" cancelled")]
    named = {(each.key, each.order_id) for each in missing}
    assert named == set(lost.orders.items())
    assert sorted(cancels) == sorted(lost.cancelled)
    assert found.findings["missing"] == len(lost.orders) + len(lost.cancelled) == len(missing)
    assert found.missing_won == sum(lost.won.values()) > 0
    times = lost.gone_at(lost.orders, lost.cancelled)
    assert found.missing_s == (times[-1] - times[0]).total_seconds() > 0
    assert found.in_database == found.findings["duplicate"] == found.findings["never_sent"] == 0
    told = replication.told(pair.replica)
    assert told is not None
    rows = {name.partition(".")[2]: count for name, count in told.new_rows.items()}
    assert rows["orders"] == len(lost.orders)
    for name, number in numbered(pair.replica).items():
        assert number > gone[name] + numbering.GAP_IDS // 2, name
    assert audited(pair.replica, tmp_path / "kept").clean

    new = traded(pair.replica, tmp_path / "new", seed=3)
    assert min(new.orders.values()) > max(lost.orders.values()) + numbering.GAP_IDS // 2
    again = audited(pair.replica, tmp_path / "lost")
    assert again.findings == found.findings
    assert audited(pair.replica, tmp_path / "new").clean
    with connect(at(pair.replica)) as server:
        day = survey(server, RunPlan()).business_date
        assert day is not None
        clock = clock_of(day, OPENS_AT)
        for number in lost.orders.values():
            assert orders.cancel(server, number, clock=clock).reason == "unknown_order"
        assert "violated" not in {each.state for each in books.check(server)}


@pytest.mark.parametrize("swallowed", [20, pytest.param(1000, marks=pytest.mark.soak)])
def test_every_answer_that_was_swallowed_is_settled_and_no_order_is_there_twice(
    market: Target, tmp_path: Path, swallowed: int
) -> None:
    folder = tmp_path / "j"
    plan = RunPlan(clients=4, orders=swallowed * 5 // 2 + 30, mix=ORDERS_ONLY, journal=folder)
    with proxy.start(
        proxy.server_of(market.url), engine=market.engine, folder=tmp_path, seed=7
    ) as before:
        before.set(LostReply(share=0.5, statement="place_order"))
        result = workload.run(before.before(market), plan)
        counted = before.seen().did["lost_reply"]
    assert result.failure is None
    unknowns = result.unknowns
    assert unknowns.met == unknowns.committed >= swallowed
    assert unknowns.unsettled == unknowns.not_committed == 0
    # The answer to "what became of it" can be swallowed too: then it is asked once more.
    lost = sum(count for code, count in result.errors.items() if code.startswith("unknown"))
    assert lost == counted >= unknowns.met
    assert len(Told.of(folder).unknown) == unknowns.met
    said = CliRunner().invoke(main, ["trade", "audit", "-t", market.url, str(folder)])
    assert said.exit_code == 0
    assert re.search(r"RPO +0 orders, 0 s, 0 won\n", said.output)
    with connect(market) as server:
        found = journal.audit(server, folder)
        rows = server.rows("SELECT count(*) AS n, count(DISTINCT idempotency_key) AS k FROM orders")
        assert rows[0]["n"] == rows[0]["k"] == found.in_database
        audit.seal_all(server)
        assert "violated" not in {each.state for each in books.check(server)}
    assert found.clean
    assert found.intents == found.acknowledged == found.accepted + found.rejected == plan.orders
    assert found.unknown == found.unknown_settled == unknowns.met
    assert (found.missing_s, found.missing_won) == (0, 0)


def test_no_order_is_sent_before_it_is_on_disk(market: Target, tmp_path: Path) -> None:
    """The kernel is asked: what a client sends to the server is in what it has synced."""
    if shutil.which("strace") is None:
        pytest.skip("there is no strace here: scripts/install-test-servers.sh")
    words = ["strace", "-ff", "-y", "-s", "1000000", "--seccomp-bpf"]
    words += ["-o", str(tmp_path / "trace"), "-e", "trace=write,fdatasync,sendto"]
    words += [sys.executable, "-m", "stockops", "trade", "run", "-t", market.url]
    words += ["--clients", "2", "--orders", "120", "--mix", "market:1,limit:2"]
    words += ["--journal", str(tmp_path / "j")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=SOON_S, check=False)
    assert done.returncode == 0, done.stderr
    sent = [key for each in tmp_path.glob("trace.*") for key in sent_after_sync(each)]
    assert set(sent) == Told.of(tmp_path / "j").orders.keys()


def sent_after_sync(trace: Path) -> Iterator[str]:
    """Yield the keys that a process sent, and hold that each was synced before."""
    written: set[str] = set()
    synced: set[str] = set()
    for line in trace.read_text("utf-8", "replace").splitlines():
        call, _, rest = line.partition("(")
        keys = set(KEY.findall(rest))
        if call == "write" and "client-" in rest.partition(">")[0]:
            written |= keys
        elif call == "fdatasync":
            synced |= written
        elif call == "sendto":
            assert keys <= synced, line[:200]
            yield from keys


def test_a_client_that_is_killed_leaves_no_order_that_its_journal_does_not_know(
    market: Target, tmp_path: Path
) -> None:
    folder = tmp_path / "j"
    words = [sys.executable, "-m", "stockops", "trade", "run", "-t", market.url, "--seconds", "60"]
    words += ["--mix", "market:1,limit:2", "--journal", str(folder)]
    child = subprocess.Popen(words, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        with connect(market) as holder:
            eventually(lambda: len(Told.of(folder).orders) > 200, SOON_S)
            with holder.transaction():
                # At least one of its clients is killed between an order and the answer.
                holder.rows("SELECT cash_won FROM accounts WHERE account_id = 1001 FOR UPDATE")
                eventually(lambda: holder.rows(WAITS[market.engine]), SOON_S)
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
    finally:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()

    def over() -> bool:
        with connect(market) as server:
            return not server.rows(RUNS_ON[market.engine])

    eventually(over, SOON_S)  # the server may be at the last order of each client still
    with connect(market) as server:
        found = journal.audit(server, folder)
    assert found.clean, found
    settled = found.resolved_committed + found.resolved_absent
    assert found.intents == found.acknowledged + settled
    assert settled > 0
    assert found.in_database >= found.acknowledged
