"""Corporate actions on both engines: to the share and the won, as a whole, with orders coming."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result
from conftest import Labs, eventually
from floor import FIRST_DAY, SECOND_DAY, Floor
from pricing import split
from trading import CLOCK, LISTED_SHARES, OPENING, Bed, bed_of

from stockops import actions, audit, books, orders
from stockops.actions import Action, Ratio
from stockops.cli.main import main
from stockops.engine import ENGINES, connect
from stockops.engine.base import Server
from stockops.errors import ConfigError, Refused
from stockops.orders import clock_of
from stockops.targets import Target

MONDAY = date(2025, 1, 6)
NEXT = clock_of(MONDAY, time(10, 0))
TRIES = 100
HELD = (
    "journal_zero",
    "global_zero",
    "cash",
    "holdings",
    "inventory",
    "listed_shares",
    "available",
    "reserved_cash",
    "reserved_shares",
    "order_fills",
    "corporate_actions",
)


@pytest.fixture(scope="module", params=sorted(ENGINES))
def bed(request: pytest.FixtureRequest, all_labs: Labs) -> Iterator[Bed]:
    """One database for the tests of this file: each makes issues and accounts of its own."""
    with bed_of(all_labs.get(str(request.param))) as bed:
        yield bed


@pytest.fixture(autouse=True)
def balanced(request: pytest.FixtureRequest) -> Iterator[None]:
    """Hold the books after each test on the bed."""
    yield
    if "bed" in request.fixturenames:
        bed: Bed = request.getfixturevalue("bed")
        results = books.check(bed.server, only=HELD)
        assert [r for r in results if r.state == "violated"] == []


def held(bed: Bed, *shares: int, base_won: int = 50_000) -> tuple[str, list[int]]:
    """An issue of which accounts hold so many shares each, and the house the rest."""
    symbol = bed.stock(base_won, house=LISTED_SHARES - sum(shares))
    return symbol, [bed.account(holds={symbol: each}) for each in shares]


def delist(bed: Bed, symbol: str, price_won: int | None = None) -> actions.Done:
    issue = actions.find(bed.server, symbol)
    action = actions.delisting(bed.server, issue, price_won, on=None, today=None)
    return actions.apply(bed.server, action, clock=CLOCK)


def row(bed: Bed, sql: str, **params: object) -> dict[str, Any]:
    [found] = bed.server.rows(sql, params)
    return found


def messages(bed: Bed, account: int) -> list[str]:
    rows = bed.server.rows(
        "SELECT n.body FROM notifications n JOIN accounts a ON a.user_id = n.user_id "
        "WHERE n.kind = 'corporate_action' AND a.account_id = %(a)s ORDER BY n.notification_id",
        {"a": account},
    )
    return [each["body"] for each in rows]


def condition(bed: Bed, account: int, symbol: str, rule: dict[str, object]) -> int:
    number = next(bed.numbers)
    bed.server.execute(
        "INSERT INTO conditions (condition_id, user_id, account_id, symbol, rule, expires_at, "
        "created_at) SELECT %(n)s, user_id, account_id, %(symbol)s, %(rule)s, '2026-01-01', "
        "'2024-01-01' FROM accounts WHERE account_id = %(account)s",
        {"n": number, "symbol": symbol, "rule": json.dumps(rule), "account": account},
    )
    return number


def stockops(bed: Bed, *args: object) -> Result:
    words = [*map(str, args), "-t", bed.target.url]
    return CliRunner().invoke(main, ["trade", "action", *words])


def test_a_split_makes_more_shares_of_the_same_worth(bed: Bed) -> None:
    symbol, [holder, seller] = held(bed, 10, 7)
    waiting = condition(
        bed, holder, symbol,
        {"side": "sell", "quantity": 3, "price_band": {"from_won": 60_000}},
    )  # fmt: skip
    assert bed.sell(seller, symbol, 4, 55_000).status == "open"
    buyer = bed.account(10_000_000)
    resting = bed.buy(buyer, symbol, 2, 45_000)
    done = split(bed, symbol, 5, 1)
    assert (done.effective_date, done.last_won, done.base_won) == (MONDAY, 50_000, 10_000)
    assert (done.holders, done.paid_won, done.orders_expired) == (2, 0, 2)
    assert done.listed_after == 5 * LISTED_SHARES
    assert bed.shares(holder, symbol) == (50, 0, 10_000)
    assert bed.shares(seller, symbol) == (35, 0, 7_000)
    assert bed.cash(buyer) == (10_000_000, 0)
    assert messages(bed, buyer) == [f"주문 {resting.order_id} 종료: {symbol} 액면분할 5:1"]
    assert messages(bed, holder) == [f"{symbol} 액면분할 5:1: 10주가 50주로"]
    found = row(bed, "SELECT quantity, from_won, status FROM conditions WHERE condition_id = %(n)s",
                n=waiting)  # fmt: skip
    assert tuple(found.values()) == (15, 12_000, "active")
    day = row(bed, "SELECT lower_won, upper_won, last_won, quote_date FROM stock_inventory "
              "WHERE symbol = %(s)s", s=symbol)  # fmt: skip
    assert tuple(day.values()) == (7_000, 13_000, 10_000, MONDAY)

    # Nobody trades it until then, and from then on at the new price.
    assert bed.buy(buyer, symbol, 1).reason == "closed_session"
    assert bed.buy(buyer, symbol, 10, 10_000, clock=NEXT).filled_value_won == 100_000
    assert bed.sell(holder, symbol, 50, clock=NEXT).status == "filled"
    logged = row(bed, "SELECT action, entity_id, detail FROM audit_log WHERE audit_id = %(n)s "
                 "AND entity = 'stock'", n=done.action_id)  # fmt: skip
    assert logged["action"] == "split"
    assert logged["detail"] == "5:1 listed 5000000 holders 2 paid 0 expired 2"


def test_parts_of_a_share_are_paid_and_take_their_cost_along(bed: Bed) -> None:
    symbol, [holder, small, even] = held(bed, 13, 3, 20, base_won=2_010)
    before = [bed.cash(account)[0] for account in (holder, small, even)]
    done = split(bed, symbol, 1, 5)
    assert (done.last_won, done.base_won) == (2_010, 10_050)
    assert bed.shares(holder, symbol) == (2, 0, 10_000)
    assert bed.shares(small, symbol) == (0, 0, 0)
    assert bed.shares(even, symbol) == (4, 0, 20_000)
    after = [bed.cash(account)[0] for account in (holder, small, even)]
    paid = [b - a for a, b in zip(before, after, strict=True)]
    assert paid == [3 * 10_050 // 5, 3 * 10_050 // 5, 0]
    assert done.paid_won == sum(paid)
    assert messages(bed, small) == [f"{symbol} 액면병합 1:5: 3주가 0주로, 6030원 지급"]
    house = bed.one("SELECT available_shares FROM stock_inventory WHERE symbol = %(s)s", s=symbol)
    assert house == LISTED_SHARES // 5 - 6
    assert bed.sell(holder, symbol, 2, clock=NEXT).status == "filled"


def test_rules_too_small_for_the_ratio_wait_no_longer(bed: Bed) -> None:
    symbol, [holder] = held(bed, 10)
    number = condition(
        bed, holder, symbol, {"side": "sell", "quantity": 3, "price_band": {"to_won": 40_000}}
    )
    split(bed, symbol, 1, 5)
    found = row(bed, "SELECT quantity, to_won, status FROM conditions WHERE condition_id = %(n)s",
                n=number)  # fmt: skip
    assert tuple(found.values()) == (1, 200_000, "paused")


def test_predictions_and_old_prices_follow_every_split(bed: Bed) -> None:
    symbol, [holder] = held(bed, 10)
    number = next(bed.numbers)
    bed.server.execute(
        "INSERT INTO predictions (prediction_id, user_id, symbol, side, confidence, target_won, "
        "status, model_version, predicted_at) SELECT %(n)s, user_id, %(s)s, 'buy', 0.9, 60000, "
        "'valid', 'sample-1', '2025-01-01' FROM accounts WHERE account_id = %(a)s",
        {"n": number, "s": symbol, "a": holder},
    )
    bed.server.execute(
        "INSERT INTO stock_prices VALUES (%(s)s, %(on)s, 50000, 50000, 50000, 50000, 8, 400000)",
        {"s": symbol, "on": OPENING},
    )
    split(bed, symbol, 10, 1)
    with pytest.raises(Refused, match="was split on 2025-01-03"):
        split(bed, symbol, 2, 1)
    split(bed, symbol, 1, 2, on=date(2025, 1, 7))
    assert bed.shares(holder, symbol)[0] == 50
    assert bed.one("SELECT target_won FROM predictions WHERE prediction_id = %(n)s", n=number) == (
        12_000
    )
    old = row(bed, "SELECT close_won, volume FROM adjusted_prices WHERE symbol = %(s)s", s=symbol)
    assert (int(old["close_won"]), int(old["volume"])) == (10_000, 40)
    assert bed.one("SELECT close_won FROM stock_prices WHERE symbol = %(s)s", s=symbol) == 50_000


def test_a_delisted_issue_takes_no_order_and_holdings_stay(bed: Bed) -> None:
    symbol, [holder] = held(bed, 10)
    waiting = condition(
        bed, holder, symbol, {"side": "sell", "quantity": 3, "price_band": {"from_won": 60_000}}
    )
    resting = bed.sell(holder, symbol, 4, 55_000)
    done = delist(bed, symbol)
    assert (done.holders, done.listed_after, done.orders_expired) == (0, LISTED_SHARES, 1)
    assert bed.shares(holder, symbol) == (10, 0, 10_000)
    assert messages(bed, holder) == [
        f"조건 {waiting} 종료: {symbol} 상장폐지",
        f"주문 {resting.order_id} 종료: {symbol} 상장폐지",
    ]
    assert bed.sell(holder, symbol, 1, clock=NEXT).reason == "delisted"
    again = stockops(bed, "delist", symbol, "--yes")
    assert (again.exit_code, "is delisted since 2025-01-06" in again.stderr) == (5, True)
    assert stockops(bed, "rename", symbol, "--name", "x").exit_code == 5


def test_a_delisting_with_a_price_pays_everybody_out(bed: Bed) -> None:
    symbol, [holder] = held(bed, 10)
    plan = json.loads(
        stockops(bed, "delist", symbol, "--price", 700, "--plan", "--format", "json").stdout
    )
    assert plan[-1]["action"] == "pay 7,000 won for 10 shares of 1 holders"
    assert stockops(bed, "delist", symbol, "--price", 700).exit_code == 5  # without --yes
    assert bed.shares(holder, symbol)[0] == 10
    before = bed.cash(holder)[0]
    assert stockops(bed, "delist", symbol, "--price", 700, "--yes").exit_code == 0
    assert (bed.shares(holder, symbol), bed.cash(holder)[0] - before) == ((0, 0, 0), 7_000)
    left = row(bed, "SELECT status, listed_shares FROM stocks WHERE symbol = %(s)s", s=symbol)
    assert tuple(left.values()) == ("delisted", 0)
    for quantity in (1, 2**62):  # more than there is of it, and told why all the same
        asked = [bed.order(holder, "buy", symbol, quantity) for _ in range(2)]
        asked += [bed.order(holder, "sell", symbol, quantity) for _ in range(2)]
        answers = [bed.place(order, clock=NEXT) for order in asked[::2]]
        answers += orders.place_many(bed.server, asked[1::2], clock=NEXT)
        assert {(each.reason, each.order_id is None) for each in answers} == {("delisted", False)}


def test_a_name_changes_and_the_code_stays(bed: Bed) -> None:
    symbol, _ = held(bed, 10)
    assert stockops(bed, "rename", symbol, "--name", "에스케이 A&B").exit_code == 0
    assert actions.find(bed.server, symbol).name == "에스케이 A&B"
    again = stockops(bed, "rename", symbol, "--name", "에스케이 A&B")
    assert (again.exit_code, "is called" in again.stderr) == (5, True)
    assert stockops(bed, "rename", symbol, "--name", " ").exit_code == 2
    assert bed.buy(bed.account(), symbol, 1).status == "filled"


@pytest.mark.parametrize("text", ["0:1", "1:1", "3:2", "5", "-5:1", "1:1001", "a:b", "5:1 "])
def test_what_is_no_ratio_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is not a ratio"):
        actions.ratio_of(text)


def test_what_cannot_be_is_said(bed: Bed) -> None:
    symbol, _ = held(bed, 10, base_won=3)
    with pytest.raises(ConfigError) as unknown:
        actions.find(bed.server, symbol[:-1] + "K")
    assert unknown.value.hint is not None
    assert symbol in unknown.value.hint
    with pytest.raises(Refused, match="less than 1 won"):
        split(bed, symbol, 5, 1)
    with pytest.raises(Refused, match="KOSPI is closed"):
        split(bed, symbol, 2, 1, on=date(2025, 1, 4))
    with pytest.raises(Refused, match="is at 2025-01-02"):
        split(bed, symbol, 2, 1, on=OPENING)
    bed.server.execute(
        "INSERT INTO stock_prices VALUES (%(s)s, %(on)s, 3, 3, 3, 3, 1, 3)",
        {"s": symbol, "on": MONDAY},
    )
    with pytest.raises(Refused, match="closing prices"):
        split(bed, symbol, 2, 1)
    late = actions.splitting(
        bed.server, actions.find(bed.server, symbol), Ratio(new=2, old=1), on=date(2025, 1, 9),
        today=date(2025, 1, 8),
    )  # fmt: skip
    assert late.on == date(2025, 1, 9)
    with pytest.raises(Refused, match="is at 2025-01-02"):
        actions.delisting(bed.server, late.issue, None, on=date(2025, 1, 3), today=date(2025, 1, 8))


def made(bed: Bed, symbol: str) -> Action:
    issue = actions.find(bed.server, symbol)
    return actions.splitting(bed.server, issue, Ratio(new=2, old=1), on=None, today=None)


def test_two_at_once_do_it_once(bed: Bed) -> None:
    symbol, [holder] = held(bed, 10)
    action = made(bed, symbol)
    said: list[str] = []

    def run() -> None:
        with connect(bed.target) as server:
            try:
                said.append(actions.apply(server, action, clock=CLOCK).kind)
            except Refused as exc:
                said.append(str(exc))

    runners = [threading.Thread(target=run) for _ in range(4)]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join(30)
    assert said.count("split") == 1
    assert sum("has changed meanwhile" in each for each in said) == 3
    assert bed.shares(holder, symbol)[0] == 20


LOCK = {
    "postgresql": ("BEGIN; LOCK TABLE corporate_actions", "ROLLBACK"),
    "mariadb": ("LOCK TABLES corporate_actions WRITE", "UNLOCK TABLES"),
}
WAITING = {
    "postgresql": "SELECT count(*) FROM pg_locks WHERE NOT granted "
    "AND relation = 'corporate_actions'::regclass",
    "mariadb": "SELECT count(*) FROM information_schema.processlist "
    "WHERE db = database() AND state LIKE 'Waiting for table metadata lock'",
}
_SPLIT = """
import sys
from stockops import actions
from stockops.engine import connect
from stockops.orders import SERVER_CLOCK
with connect(sys.argv[1]) as server:
    issue = actions.find(server, sys.argv[2])
    action = actions.splitting(server, issue, actions.Ratio(new=2, old=1), on=None, today=None)
    print("made", flush=True)
    sys.stdin.readline()
    actions.apply(server, action, clock=SERVER_CLOCK)
"""


def test_one_that_is_killed_in_the_middle_leaves_nothing(bed: Bed) -> None:
    symbol, [holder] = held(bed, 10)
    lock, unlock = LOCK[bed.engine]
    with (
        connect(bed.target) as blocker,
        subprocess.Popen(
            [sys.executable, "-c", _SPLIT, bed.target.url, symbol],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ) as killed,
    ):  # fmt: skip
        assert killed.stdin
        assert killed.stdout
        try:
            assert killed.stdout.readline() == "made\n"
            blocker.execute(lock)
            killed.stdin.write("\n")
            killed.stdin.flush()
            # It stores the action last: positions, journals and inventory are written by then.
            assert eventually(lambda: bed.one(WAITING[bed.engine]) == 1)
        finally:
            killed.send_signal(signal.SIGKILL)
            killed.wait(60)
        blocker.execute(unlock)
    assert bed.shares(holder, symbol)[0] == 10
    assert split(bed, symbol, 2, 1).effective_date == FIRST_DAY
    assert bed.shares(holder, symbol)[0] == 20


def test_orders_that_come_meanwhile_leave_books_that_balance(market: Target) -> None:
    done = threading.Event()
    failures: list[BaseException] = []
    with connect(market) as server:
        first = Floor(server)
        audit.fold(server, FIRST_DAY - timedelta(days=1))
        first.trade(50, day=FIRST_DAY)
        audit.seal_all(server)
        with connect(market, bulk=True) as writer:
            proving = books.prove(server, writer, now=lambda: datetime.now(UTC))
        assert proving.proof is not None, proving.why_not

        def load(seed: int) -> None:
            try:
                with connect(market) as busy:
                    floor = Floor(busy, seed=seed)
                    while not done.is_set():
                        floor.trade(4, day=FIRST_DAY)
                        floor.trade(4, day=SECOND_DAY)
            except BaseException as exc:  # told by the test's own thread
                failures.append(exc)

        crowd = [threading.Thread(target=load, args=(seed,)) for seed in (2, 3)]
        for each in crowd:
            each.start()
        try:
            symbols = sorted(first.last_won)
            for symbol, ratio in (
                (symbols[0], Ratio(new=5, old=1)),
                (symbols[1], Ratio(new=1, old=4)),
            ):
                until_done(server, symbol, ratio=ratio)
            for symbol, price in ((symbols[2], None), (symbols[3], 500)):
                until_done(server, symbol, price_won=price)
        finally:
            done.set()
            for each in crowd:
                each.join(30)
        assert not failures
        Floor(server, seed=9).trade(60, day=date(2025, 1, 8))
        assert server.rows("SELECT count(*) AS n FROM corporate_actions")[0]["n"] == 4
        audit.seal_all(server)
        assert [r for r in books.check(server) if r.state == "violated"] == []
        assert [r for r in books.check_since(server)[1] if r.state == "violated"] == []


def orders_of(server: Server) -> int:
    return int(server.rows("SELECT count(*) AS n FROM orders")[0]["n"])


def until_done(
    server: Server, symbol: str, *, ratio: Ratio | None = None, price_won: int | None = None
) -> None:
    """Split or delist an issue; where it has moved on meanwhile, look at it again."""
    for _ in range(TRIES):
        issue = actions.find(server, symbol)
        action = (
            actions.splitting(server, issue, ratio, on=None, today=None)
            if ratio
            else actions.delisting(server, issue, price_won, on=None, today=None)
        )
        with suppress(Refused):
            actions.apply(server, action, clock=CLOCK)
            return
    pytest.fail(f"{symbol} moved on {TRIES} times")
