"""A whole business day on both engines: what it does, that it repeats, and what it refuses."""

import hashlib
import json
import random
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from datetime import date

import pytest
from click.testing import CliRunner, Result
from conftest import Labs, ending, eventually
from market import Markets
from trading import CLOCK, Bed, member

from stockops import actions, advisory, audit, books, tradingday
from stockops.cli.main import main
from stockops.engine import ENGINES, connect
from stockops.errors import Busy, Refused
from stockops.lab import Lab
from stockops.targets import Target
from stockops.tradingday import DayPlan, Progress, StepDone

DAY = date(2025, 1, 2)
# More predictions than one transaction takes.
PLAN = DayPlan(business_date=DAY, seed=7, orders=120, predictions=1_100)

# All that a day writes, but for the clocks of the server and what is computed from them.
WRITTEN = {
    "orders": "order_id, account_id, idempotency_key, symbol, side, limit_won, quantity, "
    "filled_quantity, status, reason, business_date, placed_at, closed_event_id",
    "trades": "trade_id, symbol, buy_order_id, sell_order_id, taker_side, price_won, quantity, "
    "buy_fee_won, sell_fee_won, sell_tax_won, settles_on, traded_at, auction_id",
    "auctions": "auction_id, symbol, kind, status, started_at, ends_at, reference_won, "
    "price_won, volume, uncrossed_event_id",
    "journal_entries": "journal_id, leg, business_date, account_id, asset, amount, kind",
    "positions": "account_id, symbol, quantity, reserved_quantity, cost_won",
    "accounts": "account_id, cash_won, reserved_won",
    "stock_inventory": "symbol, available_shares, last_won, quote_date, base_won, auction_id",
    "house_balances": "account_id, asset, business_date, amount, entries",
    "audit_log": "audit_id, business_date, user_id, action, entity, entity_id, detail",
    "audit_seals": "seal_no, audit_id",
    "predictions": "prediction_id, prediction_key, user_id, symbol, model_version, side, "
    "confidence, target_won, status, reason, predicted_at, expires_at",
    "conditions": "condition_id, status, executed_at, executions",
    "notifications": "notification_id, user_id, order_id, prediction_id, kind, channel, body, "
    "status, created_at",
    "rebalances": "rebalance_id, portfolio_id, business_date, value_won, status, started_at, "
    "finished_at",
    "rebalance_lines": "rebalance_id, line_no, symbol, weight_bp, expected_bp, price_won, side, "
    "quantity, limit_won, reason",
}


def content(target: Target) -> dict[str, str]:
    """The hash of every row that a day can write, a table each."""
    with connect(target) as server:
        found = {}
        for table, columns in WRITTEN.items():
            rows = server.rows(f"SELECT {columns} FROM {table}")
            lines = sorted(repr(list(row.values())) for row in rows)
            found[table] = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        return found


def swinging(target: Target) -> None:
    """Let the issue with most value swing so far on the day that it has to be interrupted."""
    with connect(target) as server:
        server.execute(
            "UPDATE stock_prices SET high_won = close_won * 5 / 4, low_won = close_won * 3 / 4, "
            "value_won = 1000000000000000 WHERE price_date = %(day)s AND volume > 0 "
            "AND symbol = (SELECT min(symbol) FROM stocks WHERE status = 'listed')",
            {"day": DAY},
        )


# A process that drives the day, and ends itself when a step has done so much, or with an order
# that is placed by itself, as those of a rebalancing are.
KILLED = """
import itertools, json, os, signal, sys
from datetime import date
from stockops import orders, tradingday
from stockops.engine import connect
from stockops.targets import Target

url, said, step, done = sys.argv[1:]
plan = json.loads(said)
plan["business_date"] = date.fromisoformat(plan["business_date"])

def seen(at):
    if at.step == step and at.done >= int(done):
        os.kill(os.getpid(), signal.SIGKILL)

def placing(*asked, **clock):
    answer = place(*asked, **clock)
    seen(tradingday.Progress(step="order", done=next(numbers), total=0))
    return answer

numbers = itertools.count(1)
place, orders.place = orders.place, placing

with connect(Target(name="killed", url=url)) as server:
    list(tradingday.run(server, tradingday.DayPlan(**plan), today=None, seen=seen))
"""


def kill_in(target: Target, step: str, done: int) -> None:
    """Drive the day with a process that is killed in `step`; wait until the server knows it."""
    killed = driving(target, step, done)
    with ending(killed):
        _, said = killed.communicate(timeout=120)
    assert killed.returncode == -signal.SIGKILL, said
    eventually(lambda: is_free(target))


def driving(target: Target, step: str, done: int) -> "subprocess.Popen[str]":
    plan = json.dumps(asdict(PLAN), default=str)
    return subprocess.Popen(
        [sys.executable, "-c", KILLED, target.url, plan, step, str(done)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def is_free(target: Target) -> bool:
    """Tell whether nobody drives a day: the lock of a session that is dead may live on a while."""
    with connect(target) as server:
        try:
            with advisory.alone(server, "trading day", wait_s=0):
                return True
        except Busy:
            return False


def drive(target: Target, *, until: int | None = None) -> Iterator[StepDone]:
    """Drive the day; with `until`, break it off after so many orders of continuous trading."""

    def seen(at: Progress) -> None:
        if until is not None and at.step == "continuous trading" and at.done > until:
            raise KeyboardInterrupt

    with connect(target) as server:
        yield from tradingday.run(server, PLAN, today=None, seen=seen)


def interrupt(*_: object, **__: object) -> int:
    """Break off where it is called."""
    raise KeyboardInterrupt


def driven_whole(target: Target) -> tuple[list[StepDone], list[str]]:
    """Drive the day, and return its steps, and each invariant that was violated after one."""
    steps, violated = [], []
    with connect(target) as auditor:
        for step in drive(target):
            steps.append(step)
            bad = [each.name for each in books.check(auditor) if each.violations]
            violated += [f"{name} after {step.step}" for name in bad]
    return steps, violated


@pytest.fixture(scope="module", params=sorted(ENGINES))
def lab(request: pytest.FixtureRequest, all_labs: Labs) -> Lab:
    return all_labs.get(str(request.param))


@pytest.fixture(scope="module")
def driven(lab: Lab, markets: Markets) -> Iterator[tuple[Target, list[StepDone], dict[str, str]]]:
    """A market after its day: only to be read, and asked to do what it has to refuse."""
    with markets.open(lab) as target:
        swinging(target)
        steps, violated = driven_whole(target)
        assert violated == []
        yield target, steps, content(target)


def stockops(target: Target, *words: object) -> Result:
    return CliRunner().invoke(main, ["trade", "day", "-t", target.url, *map(str, words)])


def test_a_day_opens_trades_closes_and_leaves_books_that_hold(
    driven: tuple[Target, list[StepDone], dict[str, str]],
) -> None:
    target, steps, _ = driven
    assert [step.step for step in steps] == [
        "open the day", "settlement", "opening auction", "predictions", "conditions", "rebalancing",
        "continuous trading", "closing auction", "end of day", "books check",
    ]  # fmt: skip
    assert steps[-1].held, steps[-1].said
    drawn = [steps[2], *steps[6:8]]
    assert all(step.trades > 0 and step.rejected == 0 for step in drawn), drawn
    assert int(steps[6].said.split()[0]) > 0, "no price moved far enough"
    with connect(target) as server:
        missed = server.rows(
            "SELECT a.symbol, a.kind, a.price_won FROM auctions a JOIN stock_prices p "
            "ON p.symbol = a.symbol AND p.price_date = a.business_date "
            "WHERE (a.kind = 'opening' AND a.price_won <> p.open_won) "
            "OR (a.kind = 'closing' AND a.price_won <> p.close_won)"
        )
        still = server.rows("SELECT order_id FROM orders WHERE status = 'open'")
    assert (missed, still) == ([], [])


def test_the_rules_of_customers_trade_after_the_opening(
    driven: tuple[Target, list[StepDone], dict[str, str]],
) -> None:
    """What a step says it did is what is there; what was rejected is no fault of the day."""
    target, steps, _ = driven
    gate, met, portfolios = steps[3:6]
    with connect(target) as server:
        stored = {
            row["status"]: row["n"]
            for row in server.rows(
                "SELECT status, count(*) AS n FROM predictions "
                "WHERE prediction_key IS NOT NULL GROUP BY status"
            )
        }
        ordered = [
            row["status"]
            for row in server.rows("SELECT status FROM orders WHERE condition_id IS NOT NULL")
        ]
        rebalanced = server.rows("SELECT status FROM rebalances")
    refused = PLAN.predictions - sum(stored.values())
    assert gate.said == (
        f"{stored['valid']} valid, {stored['quarantined']} quarantined, {refused} refused"
    )
    assert min(*stored.values(), refused) > 0
    rejected = ordered.count("rejected")
    assert met.said.startswith(f"{len(ordered) - rejected} executed, {rejected} rejected")
    assert (met.placed, met.rejected) == (len(ordered), rejected)
    assert len(ordered) > rejected > 0
    assert portfolios.said.startswith(f"{len(rebalanced)} portfolios rebalanced")
    assert {row["status"] for row in rebalanced} == {"done"}
    assert portfolios.trades > len(rebalanced) > 0


def test_a_day_that_was_cut_short_ends_as_if_it_had_not_been(
    lab: Lab, markets: Markets, driven: tuple[Target, list[StepDone], dict[str, str]]
) -> None:
    with markets.open(lab) as target:
        swinging(target)
        kill_in(target, "predictions", 1_000)
        kill_in(target, "conditions", 2)
        kill_in(target, "order", 8)
        with connect(target) as server:
            begun = server.rows("SELECT status FROM rebalances ORDER BY rebalance_id")
        assert [begun[0]["status"], begun[-1]["status"]] == ["done", "open"]
        with suppress(KeyboardInterrupt):
            list(drive(target, until=50))
        cut = content(target)
        other = DayPlan(business_date=DAY)
        said = "--seed 7 --orders 120 --predictions 1100"
        with connect(target) as server, pytest.raises(Refused, match=said):
            list(tradingday.run(server, other, today=None))
        again = {}
        with pytest.MonkeyPatch.context() as patch, suppress(KeyboardInterrupt):
            patch.setattr(audit, "seal_all", interrupt)
            for step in drive(target):
                again[step.step] = step.said
        assert re.match("0 valid, .* there before", again["predictions"])
        assert again["conditions"] == again["rebalancing"] == "done before the day was cut short"
        assert [step.step for step in drive(target)] == ["end of day", "books check"]
        assert cut != content(target) == driven[2]


@pytest.mark.soak
def test_a_day_that_is_killed_at_random_ends_as_if_it_had_not_been(
    lab: Lab, markets: Markets, driven: tuple[Target, list[StepDone], dict[str, str]]
) -> None:
    moments = random.Random(7)
    with markets.open(lab) as target:
        swinging(target)
        for _ in range(20):
            process = driving(target, "none", 0)
            with ending(process), suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=moments.uniform(0.3, 3))
            process.kill()
            process.communicate(timeout=60)
            eventually(lambda: is_free(target))
        with suppress(Refused):  # it was over
            list(drive(target))
        assert content(target) == driven[2]


@pytest.mark.parametrize(
    ("day", "said"),
    [
        pytest.param("2025-01-01", "closed on 2025-01-01: New Year's Day", id="a holiday"),
        pytest.param("2025-01-04", "closed on 2025-01-04: a weekend", id="a weekend"),
        pytest.param("2025-01-03", "there are no prices of 2025-01-03: 10 days", id="no prices"),
        pytest.param("2025-01-02", "2025-01-02 is over: issues stand at", id="done before"),
        pytest.param("2024-12-30", "2024-12-30 is over: issues stand at", id="out of order"),
        pytest.param("2030-01-02", "knows the holidays from 2023-01-01", id="beyond the calendar"),
    ],
)
def test_a_day_that_cannot_be_is_refused(
    driven: tuple[Target, list[StepDone], dict[str, str]], day: str, said: str
) -> None:
    refused = stockops(driven[0], "--date", day, "--i-mean", driven[0].url)
    assert (refused.exit_code, said in refused.stderr) == (5, True), refused.stderr


def test_what_is_no_lab_has_to_be_named_again_and_a_plan_writes_nothing(
    lab: Lab, markets: Markets
) -> None:
    with markets.open(lab) as target:
        before = content(target)
        refused = stockops(target, "--date", DAY)
        assert (refused.exit_code, "--i-mean" in refused.stderr) == (5, True)
        shown = stockops(target, "--date", DAY, "--plan", "--format", "json")
        assert len(json.loads(shown.stdout)) == 11
        assert content(target) == before
        with connect(target) as server:
            server.execute("UPDATE models SET status = 'retired'")
            try:
                models = stockops(target, "--date", DAY, "--plan")
                without = stockops(target, "--date", DAY, "--predictions", 0, "--plan")
            finally:
                server.execute("UPDATE models SET status = 'active'")
        assert (models.exit_code, "--predictions 0" in models.stderr) == (5, True), models.stderr
        assert (without.exit_code, "predictions" in without.stdout) == (0, False), without.stderr


def test_the_role_of_the_owner_is_enough_for_a_day(lab: Lab, markets: Markets) -> None:
    """Whose routines it calls, too: on MariaDB each is granted by its name."""
    plan = DayPlan(business_date=DAY, seed=7, orders=24, predictions=20)
    with markets.open(lab) as target, connect(target) as server:
        with member(Bed(server, target), "owner") as owner:
            steps = list(tradingday.run(owner, plan, today=None))
            first = owner.rows("SELECT min(symbol) AS it FROM positions")[0]["it"]
            issue = actions.find(owner, first)
            split = actions.splitting(
                owner, issue, actions.Ratio(new=2, old=1), on=None, today=None
            )
            done = actions.apply(owner, split, clock=CLOCK)
        assert steps[-1].held, steps[-1].said
        assert done.kind == "split"
