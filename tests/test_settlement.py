"""Settlement on both engines: once, as a whole, in order, and never in the way of orders."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import date, time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from conftest import Labs, eventually
from trading import Bed, bed_of

from stockops import advisory, books, seeding, settlement
from stockops.books.checking import ask
from stockops.cli import indexview
from stockops.cli.main import main
from stockops.engine import ENGINES, connect
from stockops.errors import Busy, Finding, Refused
from stockops.orders import clock_of
from stockops.plan import Consent

FRIDAY = date(2025, 1, 3)
MONDAY = date(2025, 1, 6)
TUESDAY = date(2025, 1, 7)
WEDNESDAY = date(2025, 1, 8)
THURSDAY = date(2025, 1, 9)


@pytest.fixture(scope="module", params=sorted(ENGINES))
def used(request: pytest.FixtureRequest, all_labs: Labs) -> Iterator[Bed]:
    with bed_of(all_labs.get(str(request.param))) as bed:
        yield bed


@pytest.fixture
def bed(used: Bed) -> Iterator[Bed]:
    """An empty database: the dates of one are settled one after the other."""
    seeding.reset(used.target, consent=Consent(yes=True))
    used.server.execute("DELETE FROM market_holidays WHERE name = %(name)s", {"name": "mourning"})
    yield used
    assert held(used).state == "held"


def held(bed: Bed) -> books.InvariantResult:
    [result] = books.check(bed.server, only=["settlement"])
    return result


def settle(bed: Bed, day: date) -> settlement.Settled:
    return settlement.settle(bed.server, day, today=None)


def settled(bed: Bed, account: int) -> int:
    """What the settled dates moved for an account."""
    return int(
        bed.one(
            "SELECT coalesce(sum(amount_won), 0) FROM settlements WHERE account_id = %(a)s",
            a=account,
        )
    )


def logged(bed: Bed) -> list[str]:
    rows = bed.server.rows("SELECT entity_id FROM audit_log WHERE action = 'settle' ORDER BY 1")
    return [row["entity_id"] for row in rows]


def stockops(bed: Bed, *args: str) -> Result:
    return CliRunner().invoke(main, ["trade", "settle", "-t", bed.target.url, *args])


def traded(bed: Bed) -> tuple[int, int]:
    """A buyer who traded on Friday and a seller who did on Monday; both by the house."""
    symbol = bed.stock(50_000)
    buyer, seller = bed.account(10_000_000), bed.account(0, holds={symbol: 100})
    for day, trade in ((FRIDAY, (bed.buy, buyer, 10)), (MONDAY, (bed.sell, seller, 20))):
        place, account, quantity = trade
        assert place(account, symbol, quantity, clock=clock_of(day, time(10, 0))).status == "filled"
    return buyer, seller


def test_cash_is_settled_two_business_days_later(bed: Bed) -> None:
    bed.stock()
    with pytest.raises(Refused, match="no market is open on 2025-01-04"):
        settle(bed, date(2025, 1, 4))
    assert settle(bed, TUESDAY).outcome == "nothing"
    assert "nothing was traded yet" in stockops(bed).stderr
    buyer, seller = traded(bed)
    with pytest.raises(Refused, match="2025-01-07 is to be settled before 2025-01-08") as refused:
        settle(bed, WEDNESDAY)
    assert refused.value.hint is not None
    assert "--date 2025-01-07" in refused.value.hint
    with pytest.raises(Refused, match=r"2025-01-07 has not come: .* stands at 2025-01-06"):
        settlement.settle(bed.server, TUESDAY, today=MONDAY)
    assert settle(bed, MONDAY).outcome == "nothing"

    done = settle(bed, TUESDAY)
    assert (done.outcome, done.trades, done.value_won, done.fees_won) == (
        "settled",
        1,
        500_000,
        75,
    )
    assert (settled(bed, buyer), settled(bed, seller)) == (-500_075, 0)
    assert settle(bed, TUESDAY).outcome == "settled before"
    assert settle(bed, WEDNESDAY).taxes_won > 0
    assert settled(bed, seller) == bed.cash(seller)[0]
    assert settle(bed, THURSDAY).trades == 0  # a day without trades is settled, too
    assert logged(bed) == [str(TUESDAY), str(WEDNESDAY), str(THURSDAY)]
    assert bed.one("SELECT sum(amount_won) FROM settlements") == 0
    assert held(bed).note == "settled through 2025-01-09"


def test_no_order_comes_to_a_day_that_is_settled(bed: Bed) -> None:
    symbol, account = bed.stock(house=0), bed.account()
    traded(bed)
    assert bed.buy(account, symbol, 1, 45_000).status == "open"
    settle(bed, TUESDAY)
    late = bed.buy(account, symbol, 1, 45_000)
    assert (late.status, late.reason) == ("rejected", "closed_session")
    assert bed.cash(account)[1] == 0  # what rested has expired
    assert bed.server.execute("DELETE FROM settlements WHERE 1 = 0") == 0
    with pytest.raises(Exception, match="settlements is append-only"):
        bed.server.execute("DELETE FROM settlements")


def test_a_settlement_date_that_became_a_holiday_is_settled_on_the_next(bed: Bed) -> None:
    buyer, seller = traded(bed)
    bed.server.execute(
        "INSERT INTO market_holidays (market, holiday, name) "
        "SELECT DISTINCT market, DATE '2025-01-07', 'mourning' FROM market_holidays"
    )
    with pytest.raises(Refused, match="no market is open"):
        settle(bed, TUESDAY)
    assert settle(bed, WEDNESDAY).trades == 2
    assert settled(bed, buyer) == -500_075
    assert settled(bed, seller) == bed.cash(seller)[0]


def test_a_day_that_is_left_out_and_one_of_another_sum_are_found(bed: Bed) -> None:
    traded(bed)
    settle(bed, TUESDAY)
    [invariant] = books.load(bed.server, ["settlement"])
    with pytest.raises(Finding), bed.server.transaction():
        bed.server.execute(
            "INSERT INTO settlement_days (settles_on, trades, value_won, fees_won, taxes_won, "
            "open_from_id) VALUES (DATE '2025-01-10', 0, 0, 0, 0, 0)"
        )
        found = {each.entity: each.found for each in ask(bed.server, invariant).examples}
        raise Finding("taken back")
    assert {"date 2025-01-08", "date 2025-01-09", "date 2025-01-10"} <= found.keys()
    assert found["date 2025-01-09"] == "it is left out"


def test_two_at_once_settle_a_day_once(bed: Bed) -> None:
    traded(bed)
    outcomes: list[str] = []

    def run() -> None:
        with connect(bed.target) as server:
            outcomes.append(settlement.settle(server, TUESDAY, today=None).outcome)

    runners = [threading.Thread(target=run) for _ in range(4)]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join(30)
    assert sorted(outcomes) == ["settled", *["settled before"] * 3]
    assert logged(bed) == [str(TUESDAY)]
    with (
        connect(bed.target) as other,
        advisory.alone(other, "settlement", wait_s=0),
        pytest.raises(Busy, match="another session runs a settlement"),
    ):
        settlement.settle(bed.server, WEDNESDAY, today=None, wait_s=0)


LOCK = {
    "postgresql": ("BEGIN; LOCK TABLE settlements", "ROLLBACK"),
    "mariadb": ("LOCK TABLES settlements WRITE", "UNLOCK TABLES"),
}
WAITING = {
    "postgresql": "SELECT count(*) FROM pg_locks WHERE NOT granted "
    "AND relation = 'settlements'::regclass",
    "mariadb": "SELECT count(*) FROM information_schema.processlist "
    "WHERE db = database() AND state LIKE 'Waiting for table metadata lock'",
}


def test_one_that_is_killed_in_the_middle_leaves_nothing(bed: Bed) -> None:
    traded(bed)
    lock, unlock = LOCK[bed.engine]
    with connect(bed.target) as blocker:
        blocker.execute(lock)
        killed = subprocess.Popen(
            [sys.executable, "-m", "stockops", "trade", "settle", "-t", bed.target.url,
             "--date", str(TUESDAY)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            # By then the day is stored, and its accounts are not.
            assert eventually(lambda: bed.one(WAITING[bed.engine]) == 1)
        finally:
            killed.send_signal(signal.SIGKILL)
            killed.wait(60)
        blocker.execute(unlock)
    done = settlement.settle(bed.server, TUESDAY, today=None, wait_s=30)
    # The server may have ended what it was sent; the commit never came.
    assert (done.outcome, logged(bed)) == ("settled", [str(TUESDAY)])


def test_the_command_settles_what_is_due(bed: Bed, tmp_path: Path) -> None:
    traded(bed)
    plan = json.loads(stockops(bed, "--date", str(WEDNESDAY), "--plan", "--format", "json").stdout)
    assert [step["action"] for step in plan] == [
        "open the next business day of 1 issue",
        "settle 1 trade of 500,000 won on 2025-01-07",
        "settle 1 trade of 1,000,000 won on 2025-01-08",
    ]
    assert logged(bed) == []
    config = tmp_path / "stockops.yaml"
    config.write_text(f"targets:\n  prod: {{url: '{bed.target.url}', protected: true}}\n", "utf-8")
    prod = ("-t", "prod", "--config", str(config))
    assert stockops(bed, *prod, "--date", str(TUESDAY)).exit_code == 5
    assert stockops(bed, *prod, "--date", str(TUESDAY), "--i-mean", "prod").exit_code == 0
    again = stockops(bed, "--date", str(TUESDAY))
    assert (again.exit_code, again.stderr) == (0, "2025-01-07 was settled before\n")
    out_of_order = stockops(bed, "--date", str(THURSDAY))
    assert (out_of_order.exit_code, "2025-01-08 is to be settled" in out_of_order.stderr) == (
        5,
        True,
    )
    with pytest.raises(Refused, match="has not come"):
        settlement.settle(bed.server, date(2099, 1, 2), today=date(2026, 1, 2))


def test_all_that_is_due_is_told_in_a_log_as_it_goes(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexview, "LINE_EVERY_S", 0.0)  # a minute, elsewhere
    traded(bed)
    done = stockops(bed)
    assert done.exit_code == 0, done.stderr
    dates = [row for row in done.stdout.splitlines() if "settled" in row.split()]
    lines = done.stderr.splitlines()
    assert len(lines) == len(dates) > 2
    assert lines[0] == f"1 of {len(dates)} dates settled"
    assert lines[-1] == f"{len(dates)} of {len(dates)} dates settled"
