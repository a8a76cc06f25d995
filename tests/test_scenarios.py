"""The operators' questions: what each answers, on both engines, and that none of them writes."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from click.testing import CliRunner, Result
from conftest import Labs
from market import Markets
from portfolios import portfolio
from trading import CLOCK, Bed, bed_of

from stockops import rebalancing, scenarios
from stockops.cli.main import main
from stockops.engine import ENGINES, connect
from stockops.engine.base import Server
from stockops.errors import ConfigError, Fault, Finding, ServerError
from stockops.scenarios import SCENARIOS, Scenario
from stockops.scenarios.rows import Suspicious, Warned
from stockops.targets import Target

NOW = datetime(2025, 1, 3, 15, tzinfo=UTC)  # the end of the day at CLOCK


@pytest.fixture(scope="module", params=sorted(ENGINES))
def bed(request: pytest.FixtureRequest, all_labs: Labs) -> Iterator[Bed]:
    """One database for the tests of this file: each makes issues and accounts of its own."""
    with bed_of(all_labs.get(str(request.param))) as bed:
        yield bed


def ask(bed: Bed, name: str, *given: str) -> list[Any]:
    scenario = scenarios.find(name)
    params = scenarios.parse(scenario, given)
    return list(scenarios.ask(bed.server, scenario, params, now=NOW).rows)


def stockops(target: Target, *args: str) -> Result:
    return CliRunner().invoke(main, ["report", "scenario", "-t", target.url, *args])


def add(bed: Bed, table: str, **values: object) -> int:
    """Insert one row with a number of its own, and return the number."""
    number = next(bed.numbers)
    values = {f"{table.removesuffix('s')}_id": number, **values}
    marks = ", ".join(f"%({name})s" for name in values)
    bed.server.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", values)
    return number


def signal(bed: Bed, symbol: str, account: int, **more: object) -> tuple[int, int]:
    """A prediction to buy, and a condition that it meets unless `more` says otherwise."""
    predicted = {
        "user_id": account, "symbol": symbol, "model_version": "sample-1", "side": "buy",
        "confidence": Decimal("0.8"), "status": "valid", "predicted_at": "2025-01-02 00:30:00",
        **more,
    }  # fmt: skip
    rule = {"side": "buy", "quantity": 5, "min_confidence": 0.7}
    condition = add(
        bed, "conditions", user_id=account, account_id=account, symbol=symbol,
        rule=json.dumps(rule), expires_at="2025-02-01", created_at="2025-01-01",
    )  # fmt: skip
    return add(bed, "predictions", **predicted), condition


def test_signals_are_matched_with_conditions_and_their_orders(bed: Bed) -> None:
    symbol, account = bed.stock(), bed.account()
    prediction, condition = signal(bed, symbol, account)
    signal(bed, bed.stock(), account, confidence=Decimal("0.6"))
    signal(bed, bed.stock(), account, side="sell")
    signal(bed, bed.stock(), account, predicted_at="2024-12-20 00:30:00")
    [row] = ask(bed, "ai-signals", f"user={account}")
    assert (row.prediction_id, row.condition_id, row.order_id) == (prediction, condition, None)
    order = bed.order(account, "buy", symbol, 5, condition_id=condition, prediction_id=prediction)
    placed = bed.place(order)
    [row] = ask(bed, "ai-signals", f"user={account}")
    assert (row.order_id, row.order_status, row.filled_quantity) == (placed.order_id, "filled", 5)
    assert len(ask(bed, "ai-signals", f"user={account}", "days=30")) == 2
    assert ask(bed, "ai-signals", f"user={bed.account()}") == []
    assert row.predicted_at == datetime(2025, 1, 2, 0, 30, tzinfo=UTC)


def test_automatic_orders_say_what_triggered_them(bed: Bed) -> None:
    symbol, account = bed.stock(), bed.account()
    prediction, condition = signal(bed, symbol, account)
    bed.buy(account, symbol, 1)  # typed by hand
    bed.place(
        bed.order(account, "buy", symbol, 5, condition_id=condition, prediction_id=prediction)
    )
    number = portfolio(bed, account, {symbol: 5_000})
    bed.place(bed.order(account, "buy", symbol, 2, portfolio_id=number))
    _, other = signal(bed, symbol, account)
    bed.place(bed.order(account, "buy", symbol, 5, condition_id=other))
    assert [row.triggered_by for row in ask(bed, "automatic-orders", f"user={account}")] == [
        f"condition {other}, the last price",
        f"rebalancing of portfolio {number}",
        f"condition {condition}, prediction {prediction} of sample-1 at 0.8000",
    ]


def test_the_history_of_an_order_and_of_a_user_is_in_order_of_time(bed: Bed) -> None:
    symbol, account = bed.stock(), bed.account()
    number = portfolio(bed, account, {symbol: 5_000})
    rebalancing.rebalance(bed.server, number, clock=CLOCK, minimum_won=0)
    resting = bed.buy(account, symbol, 1, 49_000)
    bed.cancel(resting.order_id)
    happened = [row.what for row in ask(bed, "history", f"user={account}")]
    assert happened == [
        "start", "place", "trade", "finish", "place", "message queued", "cancel"
    ]  # fmt: skip
    add(bed, "notifications", user_id=account, order_id=resting.order_id, kind="order_rejected",
        channel="sms", body="taken back", created_at="2025-01-03 01:00:00")  # fmt: skip
    [placed, message, cancelled] = ask(bed, "history", f"order={resting.order_id}")
    assert (placed.what, message.detail, cancelled.what) == ("place", "taken back", "cancel")
    assert (cancelled.subject, cancelled.detail) == (
        f"order {resting.order_id}",
        f"1 left of {symbol}",
    )


def test_suspicious_predictions_come_with_the_proof(bed: Bed) -> None:
    account = bed.account()
    known = {"user_id": account, "predicted_at": "2025-01-02 00:30:00", "side": "buy"}
    wrong = add(bed, "predictions", status="quarantined", reason="no issue", **known)
    add(bed, "predictions", status="valid", symbol=bed.stock(), model_version="sample-1",
        confidence=Decimal("0.9"), **known)  # fmt: skip
    found = [row for row in ask(bed, "suspicious-predictions") if row.user_id == account]
    assert [(row.prediction_id, row.orders, row.trades) for row in found] == [(wrong, 0, 0)]
    proves = scenarios.find("suspicious-predictions").proves
    assert proves is not None
    proves(found)
    traded = Suspicious(NOW, 7, 1, None, None, None, "quarantined", "no issue", 1, 0, 0)
    with pytest.raises(Finding, match="1 of 2 suspicious predictions led to orders"):
        proves([*found, traded])


def test_messages_are_told_by_their_kind_and_age(bed: Bed) -> None:
    user = bed.account()
    for kind, at in (
        ("ai_warning", "2025-01-03 14:00:00"),
        ("ai_warning", "2025-01-01 14:00:00"),
        ("order_executed", "2025-01-01 14:00:00"),
    ):
        add(bed, "notifications", user_id=user, kind=kind, channel="sms", body=at, created_at=at)
    mine = f"user={user}"
    assert [row.body for row in ask(bed, "warnings", mine)] == ["2025-01-03 14:00:00"]
    assert len(ask(bed, "warnings", mine, "hours=72")) == 2
    assert [row.kind for row in ask(bed, "execution-notices", mine)] == ["order_executed"]
    assert ask(bed, "execution-notices", mine, "until=2024-12-31") == []


def traded(bed: Bed) -> tuple[str, int]:
    """An account that bought 10 shares at 50,000 won and sold 4 of them at 52,000, its issue."""
    symbol, account = bed.stock(50_000), bed.account()
    bed.buy(account, symbol, 10)
    bed.sell(account, symbol, 4, 52_000)
    bed.buy(bed.account(), symbol, 4, 52_000)
    return symbol, account


def test_profit_is_realised_unrealised_and_after_costs(bed: Bed) -> None:
    symbol, account = traded(bed)
    [position, whole] = ask(bed, "profit", f"account={account}")
    assert (position.symbol, position.quantity, position.cost_won) == (symbol, 6, 300_000)
    assert (position.unrealised_won, position.realised_won) == (12_000, 8_000)
    assert position.costs_won == 75 + 31 + 312  # commission twice, and the tax of the sale
    assert position.return_percent == Decimal("3.92")
    assert (whole.symbol, whole.value_won, whole.return_percent) == (None, 312_000, Decimal("3.92"))


def test_what_was_opened_without_a_price_has_no_realised_profit(bed: Bed) -> None:
    symbol = bed.stock()
    account = bed.account(holds={symbol: 10})
    assert [row.realised_won for row in ask(bed, "profit", f"account={account}")] == [None, None]


def test_movers_are_those_that_moved_most(bed: Bed) -> None:
    symbol, _ = traded(bed)
    [row] = [row for row in ask(bed, "movers", "rows=1000") if row.symbol == symbol]
    assert (row.change_won, row.change_percent) == (2_000, Decimal("4.00"))
    assert ask(bed, "movers", "market=KONEX") == []


def test_unsettled_cash_is_what_is_still_to_be_paid_and_to_come(bed: Bed) -> None:
    _, account = traded(bed)
    [row] = ask(bed, "unsettled-cash", f"account={account}", "on=2025-01-03")
    assert (row.settles_on.isoformat(), row.trades) == ("2025-01-07", 2)
    assert (row.to_pay_won, row.to_come_won) == (500_075, 207_657)
    assert row.net_won == 207_657 - 500_075
    assert ask(bed, "unsettled-cash", f"account={account}", "on=2025-01-07") == []


def test_weights_are_those_of_the_rebalancing(bed: Bed) -> None:
    symbol = bed.stock(10_000)
    number = portfolio(bed, bed.account(1_000_000), {symbol: 5_000})
    [line, _] = ask(bed, "weights", f"portfolio={number}")
    assert (line.weight_bp, line.side, line.quantity, line.expected_bp) == (0, "buy", 50, 5_000)


def test_no_scenario_can_write(bed: Bed) -> None:
    def write(server: Server, _: object) -> list[Warned]:
        server.execute("UPDATE portfolios SET name = 'mine'")
        return []

    writing = Scenario(name="writing", says="it writes", params=(), fetch=write)
    with pytest.raises(ServerError) as caught:
        scenarios.ask(bed.server, writing, {}, now=NOW)
    assert caught.value.fault in {Fault.READ_ONLY, Fault.OTHER}
    assert "read" in str(caught.value).lower()


def test_the_server_gives_up_after_the_time_limit(bed: Bed) -> None:
    locks = {
        "postgresql": ["BEGIN", "LOCK TABLE stock_inventory IN ACCESS EXCLUSIVE MODE"],
        "mariadb": ["LOCK TABLES stock_inventory WRITE"],
    }
    with connect(bed.target) as blocker:
        for sql in locks[bed.engine]:
            blocker.execute(sql)
        said = stockops(bed.target, "movers", "--time-limit", "0.3")
        blocker.execute("UNLOCK TABLES" if bed.engine == "mariadb" else "ROLLBACK")
    assert said.exit_code == 1
    assert "statement timeout" in said.stderr or "max_statement_time" in said.stderr
    assert stockops(bed.target, "movers").exit_code == 0


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("weigths", (), "Did you mean weights?"),
        ("weights", ("portfoli=3",), "Did you mean portfolio?"),
        ("weights", (), "Write --param portfolio=VALUE"),
        ("history", (), "Write --param order=VALUE"),
        ("movers", ("rows=many",), "Write it as a whole number from 0 to 9223372036854775807."),
        ("movers", ("rows=-1",), "Write it as a whole number from 0 to 9223372036854775807."),
        ("ai-signals", ("days=36501",), "Write it as a whole number from 0 to 36500."),
        ("movers", ("rows=1", "rows=2"), "Write --param rows=VALUE"),
        ("movers", ("rows",), "Write --param rows=VALUE"),
        ("unsettled-cash", ("on=5 January",), "Write it as 2026-01-05."),
        ("warnings", ("until=soon",), "Write it as 2026-01-05T15:30"),
        ("warnings", ("until=0001-01-01T00:00",), "Write it as 2026-01-05T15:30"),
    ],
)
def test_what_cannot_be_asked_says_what_can(name: str, given: tuple[str, ...], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        scenarios.parse(scenarios.find(name), given)
    assert caught.value.hint is not None
    assert caught.value.hint.startswith(said)


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("movers", "market=kospi", "there is no market 'kospi'"),
        ("history", "order=999999999", "there is no order 999999999"),
        ("history", "user=999999999", "there is no user 999999999"),
        ("profit", "account=999999999", "there is no account 999999999"),
        ("warnings", "user=999999999", "there is no user 999999999"),
    ],
)
def test_who_is_not_there_has_no_empty_answer(bed: Bed, name: str, given: str, said: str) -> None:
    refused = stockops(bed.target, name, "--param", given)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert said in refused.stderr


def test_the_list_has_every_scenario_and_needs_no_server() -> None:
    done = CliRunner().invoke(main, ["report", "scenario", "list", "--format", "json"])
    assert {row["scenario"] for row in json.loads(done.stdout)} == {each.name for each in SCENARIOS}


def test_the_forms_say_the_same(bed: Bed) -> None:
    symbol, account = traded(bed)
    name = "<script>alert(1)</script>, & 한국"
    bed.server.execute(
        "UPDATE stocks SET name = %(name)s WHERE symbol = %(s)s", {"name": name, "s": symbol}
    )
    forms = {
        form: stockops(bed.target, "movers", "--param", "rows=1000", "--format", form).stdout
        for form in ("json", "csv", "html", "table")
    }
    told = json.loads(forms["json"])
    [row] = [row for row in told if row["symbol"] == symbol]
    assert row["name"] == name
    lines = list(csv.DictReader(io.StringIO(forms["csv"])))
    assert [line["symbol"] for line in lines] == [row["symbol"] for row in told]
    assert {key: str(value) for key, value in row.items()} in lines
    assert "<script" not in forms["html"]
    assert "&lt;script&gt;alert(1)&lt;/script&gt;, &amp; 한국" in forms["html"]
    assert forms["html"].count("<tr>") == len(told) + 1
    assert name in forms["table"]
    assert account


def test_a_market_that_was_rebalanced_balances_and_is_told_alike_by_both_engines(
    all_labs: Labs, markets: Markets
) -> None:
    answers: dict[str, dict[str, object]] = {}
    for engine in ENGINES:
        with markets.open(all_labs.get(engine)) as target:
            with connect(target) as server:
                day = server.rows("SELECT max(quote_date) AS d FROM stock_inventory")[0]["d"]
            rebalance_all(target, str(day))
            asked = ["books", "check", "-t", target.url, "--format", "json"]
            states = {each["state"] for each in json.loads(CliRunner().invoke(main, asked).stdout)}
            assert states == {"held", "inconclusive"}
            answers[engine] = {each.name: told(target, each, str(day)) for each in SCENARIOS}
    first, second = answers.values()
    for name, answer in first.items():
        assert answer == second[name], name
    assert {name for name, answer in first.items() if not answer} <= {
        "movers",
        "ai-signals",
        "suspicious-predictions",
    }


def rebalance_all(target: Target, day: str) -> None:
    asked = ["trade", "rebalance", "--due", "-t", target.url, "--date", day, "--format", "json"]
    done = CliRunner().invoke(main, asked)
    assert done.exit_code == 0, done.stderr
    lines = json.loads(done.stdout)
    assert len({line["portfolio_id"] for line in lines}) == 8
    off = [line for line in lines if abs((line["after_bp"] or 0) - line["target_bp"]) > 600]
    assert all(line["reason"] for line in off), off
    assert len(off) < len(lines) / 2


def told(target: Target, scenario: Scenario, day: str) -> object:
    values = {"until": f"{day}T23:59:59", "on": day, "user": "1006", "portfolio": "1"}
    names = {param.name for param in scenario.params} - {"user"} | (
        {"user"} if scenario.name == "history" else set()
    )
    given = [text for name in sorted(names & values.keys())
             for text in ("--param", f"{name}={values[name]}")]  # fmt: skip
    done = stockops(target, scenario.name, *given, "--format", "json")
    assert done.exit_code == 0, (scenario.name, done.stderr)
    return json.loads(done.stdout)
