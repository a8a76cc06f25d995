"""What users are advised, and what their week is said to have been, on both engines."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from click.testing import CliRunner, Result
from conftest import Labs, migrated_database
from hypothesis import given, settings
from hypothesis import strategies as st
from pricing import priced, split
from trading import CLOCK, Bed, check_books

from stockops import actions, research
from stockops.cli.main import main
from stockops.engine import ENGINES, connect
from stockops.errors import ConfigError, Fault, Finding, ServerError
from stockops.orders import clock_of
from stockops.research import Moment

FRIDAY = date(2025, 1, 3)
TUESDAY = date(2025, 1, 7)
LATER = clock_of(TUESDAY, time(10, 0))
MOMENT = Moment(on=FRIDAY, at=datetime(2025, 1, 3, 1, tzinfo=UTC))
FIRST, SECOND = (research.week_of(text, date(2025, 1, 12)) for text in ("2025-W01", "2025-W02"))


@pytest.fixture(scope="module", params=sorted(ENGINES))
def bed(request: pytest.FixtureRequest, all_labs: Labs) -> Iterator[Bed]:
    """One database for the tests of this file: each makes issues and accounts of its own."""
    with (
        migrated_database(all_labs.get(str(request.param))) as target,
        connect(target, bulk=True) as server,
    ):
        yield Bed(server, target)
        check_books(server)


def stockops(bed: Bed, *args: object) -> Result:
    noun, *rest = map(str, args)
    asked = ["research", noun, "-t", bed.target.url, "--date", str(FRIDAY), *rest]
    return CliRunner().invoke(main, asked)


def predict(bed: Bed, user: int, symbol: str | None, **more: object) -> int:
    """A valid prediction to buy, unless `more` says otherwise; its number."""
    number = 10_000 + next(bed.numbers)
    values: dict[str, object] = {
        "prediction_id": number, "user_id": user, "symbol": symbol, "model_version": "sample-1",
        "side": "buy", "confidence": Decimal("0.8"), "target_won": 55_000, "status": "valid",
        "predicted_at": "2025-01-03 00:30:00", **more,
    }  # fmt: skip
    marks = ", ".join(f"%({name})s" for name in values)
    bed.server.execute(f"INSERT INTO predictions ({', '.join(values)}) VALUES ({marks})", values)
    return number


def advised(bed: Bed, user: int) -> list[tuple[int, int, str, Decimal]]:
    rows = bed.server.rows(
        "SELECT rank_no, prediction_id, side, score FROM ai_recommendations "
        "WHERE user_id = %(u)s ORDER BY rank_no", {"u": user},
    )  # fmt: skip
    return [(row["rank_no"], row["prediction_id"], row["side"], row["score"]) for row in rows]


def test_the_best_of_what_is_valid_is_advised_with_its_reason(bed: Bed) -> None:
    held, other = bed.stock(), bed.stock()
    user = bed.account(holds={held: 10})
    sold = predict(bed, user, held, side="sell", target_won=40_000, confidence=Decimal("0.9"))
    bought = predict(bed, user, other)
    predict(bed, user, other, confidence=Decimal("0.6"))  # of two of one issue, the better
    for more in (
        {"side": "sell", "target_won": 40_000},  # not held
        {"target_won": 45_000},  # against its own side
        {"expires_at": "2025-01-03 00:45:00"},
        {"predicted_at": "2025-01-01 00:30:00"},  # stale, for it names no end
        {"predicted_at": "2025-01-03 02:00:00"},  # of the future
        {"status": "expired"},
        {"status": "quarantined", "reason": "doubtful"},
    ):
        predict(bed, user, bed.stock(), **more)
    predict(bed, user, bed.stock(status="halted"))
    unsaid = predict(bed, user, bed.stock(), target_won=None)
    lists = research.recommend(bed.server, MOMENT, user_id=user)
    assert advised(bed, user) == [
        (1, sold, "sell", Decimal("18.0000")),
        (2, bought, "buy", Decimal("8.0000")),
        (3, unsaid, "buy", Decimal("0.0000")),
    ]
    assert [line.reason for line in lists.lines] == [
        "sample-1 expects 40000 won, 20.00 % below the last price of 50000 won, with confidence "
        "0.9000; 10 shares are held",
        "sample-1 expects 55000 won, 10.00 % above the last price of 50000 won, with confidence "
        "0.8000",
        "sample-1 says buy and names no price, with confidence 0.8000",
    ]
    assert len(research.recommend(bed.server, MOMENT, user_id=user, top=2).lines) == 2
    assert len(advised(bed, user)) == 2


def test_a_list_is_stored_once_and_gives_way_to_another(bed: Bed) -> None:
    user = bed.account()
    first = predict(bed, user, bed.stock())
    asked = ("recommend", "--user", user)
    planned = json.loads(stockops(bed, *asked, "--plan", "--format", "json").stdout)
    assert [step["action"] for step in planned] == ["store the list of 1 user for 2025-01-03"]
    assert advised(bed, user) == []
    lists = [research.recommend(bed.server, MOMENT, user_id=user) for _ in range(2)]
    assert [(each.new, each.changed, each.kept) for each in lists] == [(1, 0, 0), (0, 0, 1)]
    better = predict(bed, user, bed.stock(), target_won=60_000)
    assert research.recommend(bed.server, MOMENT, user_id=user).changed == 1
    assert [number for _, number, _, _ in advised(bed, user)] == [better, first]
    bed.server.execute(
        "UPDATE predictions SET status = 'expired' WHERE user_id = %(u)s", {"u": user}
    )
    assert research.recommend(bed.server, MOMENT, user_id=user).gone == 1
    assert advised(bed, user) == []


@pytest.mark.parametrize(
    ("day", "why"),
    [("2025-01-04", "a weekend"), ("2025-01-01", "New Year's Day")],
)
def test_nobody_is_advised_for_a_day_when_the_market_is_closed(
    bed: Bed, day: str, why: str
) -> None:
    user = bed.account()
    predict(bed, user, bed.stock(), predicted_at="2024-12-31 15:00:00", expires_at="2026-01-01")
    for more in ((), ("--plan",)):
        said = stockops(bed, "recommend", "--user", user, "--date", day, *more)
        assert said.exit_code == 5, said.output
        assert f"the market is closed on {day}: {why}" in said.stderr
    assert advised(bed, user) == []


def test_a_user_who_is_not_there_is_advised_nothing(bed: Bed) -> None:
    said = stockops(bed, "recommend", "--user", 987_654_321)
    assert (said.exit_code, "there is no user 987654321" in said.stderr) == (2, True)


def test_the_database_refuses_advice_by_a_quarantined_prediction(bed: Bed) -> None:
    user, symbol = bed.account(), bed.stock()
    valid = predict(bed, user, symbol)
    wrong = predict(bed, user, symbol, status="quarantined", reason="doubtful")
    insert = (
        "INSERT INTO ai_recommendations VALUES "
        "(%(u)s, '2025-01-03', 1, %(p)s, %(s)s, 'buy', 1, 'because', '2025-01-03 01:00:00')"
    )
    with pytest.raises(ServerError, match=f"prediction {wrong} is quarantined") as caught:
        bed.server.execute(insert, {"u": user, "p": wrong, "s": symbol})
    assert caught.value.fault is Fault.REJECTED
    bed.server.execute(insert, {"u": user, "p": valid, "s": symbol})
    change = "UPDATE ai_recommendations SET prediction_id = %(p)s WHERE user_id = %(u)s"
    with pytest.raises(ServerError, match=f"prediction {wrong} is quarantined"):
        bed.server.execute(change, {"u": user, "p": wrong})
    assert [number for _, number, _, _ in advised(bed, user)] == [valid]
    bed.server.execute(
        "UPDATE predictions SET status = 'quarantined', reason = 'doubtful' "
        "WHERE prediction_id = %(p)s", {"p": valid},
    )  # fmt: skip
    assert advised(bed, user) == []


def told(bed: Bed, user: int, week: research.Week = FIRST) -> dict[str, Any]:
    [report] = research.weekly(bed.server, week, user_id=user).reports
    return dict(report.body)


def booked(bed: Bed, user: int, week: research.Week, asset: str = "= 'KRW'") -> int:
    """What the journal says that the user's accounts hold at the end of a week."""
    return int(bed.one(
        "SELECT coalesce(sum(j.amount), 0) AS won FROM journal_entries j JOIN accounts a "
        f"ON a.account_id = j.account_id WHERE a.user_id = %(u)s AND j.asset {asset} "
        "AND j.business_date <= %(d)s", u=user, d=week.through,
    ))  # fmt: skip


def test_a_week_is_what_the_books_say_to_the_won(bed: Bed) -> None:
    symbol, user = bed.stock(50_000), bed.account()
    bed.buy(user, symbol, 10)
    bed.sell(user, symbol, 4, 52_000)
    bed.buy(bed.account(), symbol, 4, 52_000)
    bed.sell(user, symbol, 100)  # refused
    week = told(bed, user)
    assert week["orders"] == {
        "placed": 3, "by_hand": 3, "by_condition": 0, "by_prediction": 0, "by_rebalancing": 0,
        "filled": 2, "open": 0, "cancelled": 0, "rejected": 1,
    }  # fmt: skip
    assert week["trades"] == {
        "trades": 2, "bought_won": 500_000, "sold_won": 208_000, "fees_won": 106, "tax_won": 312,
    }  # fmt: skip
    assert week["cash"] == {
        "before_won": 0, "traded_won": 208_000 - 500_000 - 106 - 312, "other_won": 100_000_000,
        "after_won": bed.cash(user)[0],
    }  # fmt: skip
    [position] = week["positions"]
    assert (position["shares_after"], position["cost_won"]) == (6, bed.shares(user, symbol)[2])
    assert week["result"] == {
        "value_won": 312_000, "cost_won": 300_000, "realised_won": 8_000, "unrealised_won": 12_000,
        "profit_won": 20_000 - 106 - 312, "best": symbol, "worst": None,
    }  # fmt: skip


STEP = st.tuples(
    st.booleans(), st.integers(0, 1), st.sampled_from(["buy", "sell"]), st.integers(1, 300),
    st.integers(-3, 3),
)  # fmt: skip


@given(st.lists(STEP, min_size=8, max_size=14))
@settings(max_examples=4, deadline=None)
def test_two_weeks_of_anything_agree_with_the_books(
    bed: Bed, steps: list[tuple[bool, int, Any, int, int]]
) -> None:
    symbol = bed.stock(10_000)
    users = [bed.account(50_000_000) for _ in range(2)]
    for late in (False, True):
        if late:
            last = int(
                bed.one("SELECT last_won FROM stock_inventory WHERE symbol = %(s)s", s=symbol)
            )
            priced(bed, symbol, [(FRIDAY, last, last)])
        for is_late, who, side, quantity, away in steps:
            if is_late == late:
                price = 10_000 + 10 * away if away < 0 else 10_000 + 50 * away
                order = bed.order(users[who], side, symbol, quantity, price)
                bed.place(order, clock=LATER if late else CLOCK)
    for user in users:
        weeks = [told(bed, user, week) for week in (FIRST, SECOND)]
        assert weeks[0]["cash"]["after_won"] == weeks[1]["cash"]["before_won"]
        assert weeks[1]["cash"]["after_won"] == bed.cash(user)[0]
        for week, body in zip((FIRST, SECOND), weeks, strict=True):
            assert body["cash"]["after_won"] == booked(bed, user, week)
            held = sum(each["shares_after"] for each in body["positions"])
            assert held == booked(bed, user, week, f"= '{symbol}'")
        shares, _, cost = bed.shares(user, symbol)
        assert (weeks[1]["result"]["cost_won"] or 0) == cost
        # What was gained in all is what there is now over what was brought in.
        total = sum(week["result"]["profit_won"] for week in weeks)
        last = int(bed.one("SELECT last_won FROM stock_inventory WHERE symbol = %(s)s", s=symbol))
        assert total == bed.cash(user)[0] + shares * last - 50_000_000
        realised = sum(week["result"]["realised_won"] for week in weeks)
        costs = sum(week["trades"][name] for week in weeks for name in ("fees_won", "tax_won"))
        assert realised + weeks[1]["result"]["unrealised_won"] - costs == total
    research.weekly(bed.server, FIRST)  # commission and tax of everybody, too


@pytest.mark.parametrize(("new", "old", "after"), [(5, 1, 65), (1, 7, 1)])
def test_a_week_follows_a_split(bed: Bed, new: int, old: int, after: int) -> None:
    symbol, user = bed.stock(50_000), bed.account()
    bed.buy(user, symbol, 13)
    priced(bed, symbol, [(FRIDAY, 50_000, 50_000)])
    done = split(bed, symbol, new, old)
    # 12 of 13 shares are a whole one and 6 of 7 parts of another, which are paid out.
    paid, part = (0, 0) if old == 1 else (300_000, 300_000)
    base = done.base_won
    for sold in (0, 1):
        if sold:
            later = clock_of(date(2025, 1, 13), time(10, 0))
            bed.place(bed.order(user, "sell", symbol, 1, base), clock=later)
            bed.place(bed.order(bed.account(), "buy", symbol, 1, base), clock=later)
        week = told(bed, user, SECOND)
        [position] = week["positions"]
        assert (position["shares_before"], position["shares_after"]) == (13, after)
        assert (position["value_won"], position["cost_won"]) == (after * base, 650_000 - part)
        assert week["cash"]["other_won"] == paid
        assert (week["result"]["realised_won"], week["result"]["profit_won"]) == (paid - part, 0)
        assert week["result"]["unrealised_won"] == after * base - 650_000 + part


def test_a_week_follows_a_delisting_that_paid(bed: Bed) -> None:
    symbol, user = bed.stock(50_000), bed.account()
    bed.buy(user, symbol, 13)
    priced(bed, symbol, [(FRIDAY, 50_000, 50_000)])
    issue = actions.find(bed.server, symbol)
    action = actions.delisting(bed.server, issue, 60_000, on=None, today=None)
    assert actions.apply(bed.server, action, clock=CLOCK).paid_won == 780_000
    result = told(bed, user, SECOND)["result"]
    assert (result["cost_won"], result["value_won"]) == (0, 0)
    assert (result["realised_won"], result["profit_won"]) == (130_000, 130_000)


def test_a_report_that_the_journal_contradicts_is_refused(bed: Bed) -> None:
    user = bed.account()
    on, event = date(2025, 2, 3), bed.next_event()
    for leg, (account, amount) in enumerate(((4, -5), (user, 5)), 1):
        bed.server.execute(
            "INSERT INTO journal_entries VALUES "
            "(%(e)s, %(l)s, %(on)s, %(a)s, 'KRW', %(w)s, 'trade')",
            {"e": event, "l": leg, "on": on, "a": account, "w": amount},
        )
    bed.server.execute(
        "UPDATE accounts SET cash_won = cash_won + 5 WHERE account_id = %(a)s", {"a": user}
    )
    week = research.week_of("2025-W06", on)
    with pytest.raises(Finding, match="0 won by the trades, and 5 won by the journal"):
        research.weekly(bed.server, week, user_id=user)
    assert bed.one("SELECT count(*) AS n FROM weekly_reports WHERE user_id = %(u)s", u=user) == 0


def test_a_report_is_stored_once_and_again_when_it_is_another(bed: Bed) -> None:
    symbol, user = bed.stock(), bed.account()
    asked = ("weekly", "--user", user)
    planned = json.loads(stockops(bed, *asked, "--plan", "--format", "json").stdout)
    assert [step["action"] for step in planned] == ["store the reports of 1 user for 2025-W01"]
    week = research.week_of(None, FRIDAY)
    found = [research.weekly(bed.server, week, user_id=user) for _ in range(2)]
    assert [(each.new, each.changed) for each in found] == [(1, 0), (0, 0)]
    bed.buy(user, symbol, 1)
    assert research.weekly(bed.server, week, user_id=user).changed == 1
    stored = bed.one("SELECT body FROM weekly_reports WHERE user_id = %(u)s", u=user)
    body = stored if isinstance(stored, dict) else json.loads(stored)
    [shown] = json.loads(stockops(bed, *asked, "--format", "json").stdout)
    assert (body, shown["is_over"], shown["through_date"]) == (shown, False, "2025-01-03")


def test_predictions_and_conditions_of_the_week_are_counted(bed: Bed) -> None:
    symbol, user = bed.stock(), bed.account()
    number = predict(bed, user, symbol)
    predict(bed, user, None, status="quarantined", reason="no issue")
    predict(bed, user, symbol, predicted_at="2024-12-29 14:59:59")  # Sunday, by a second
    research.recommend(bed.server, MOMENT, user_id=user)
    bed.place(replace(bed.order(user, "buy", symbol, 3), prediction_id=number))
    week = told(bed, user)
    signals = {name: (each["times"], each["value_won"]) for name, each in week["signals"].items()}
    assert signals == {
        "predictions_valid": (1, 0), "predictions_quarantined": (1, 0),
        "predictions_expired": (0, 0), "recommendations": (1, 0), "conditions_made": (0, 0),
        "orders_by_prediction": (1, 150_000), "orders_by_price": (0, 0),
    }  # fmt: skip
    assert week["orders"]["by_prediction"] == 1


def test_the_page_is_one_file_that_asks_nobody(bed: Bed) -> None:
    symbol, user = bed.stock(), bed.account()
    bed.server.execute(
        "UPDATE stocks SET name = '<b>삼성&전자</b>' WHERE symbol = %(s)s", {"s": symbol}
    )
    bed.buy(user, symbol, 2)
    page = stockops(bed, "weekly", "--user", user, "--format", "html").stdout
    assert page.startswith("<!doctype html>")
    assert "&lt;b&gt;삼성&amp;전자&lt;/b&gt;" in page
    assert "http" not in page.replace("http-equiv", "")
    assert "<script" not in page
    assert "-15 won" in page


def test_a_week_that_cannot_be_told_says_why(bed: Bed) -> None:
    bed.account()
    for wrong, code, says in (
        (("--week", "2025-W02"), 2, "the week 2025-W02 has not begun: it is 2025-01-03"),
        (("--week", "2025-53"), 2, "'2025-53' is no week"),
        (("--week", "2025-W54"), 2, "'2025-W54' is no week"),
        (("--user", 999_999), 2, "user 999999 has no account"),
        (("--format", "html"), 2, "a page is of one user's week"),
    ):
        said = stockops(bed, "weekly", *wrong)
        assert (said.exit_code, says in said.stderr) == (code, True), said.stderr
    with pytest.raises(ConfigError, match="has not begun"):
        research.week_of("2025-W03", date(2025, 1, 12))
    assert research.week_of("2020-W53", date(2021, 1, 1)).first == date(2020, 12, 28)
