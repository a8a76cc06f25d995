"""Predictions and conditions in the database: gated, executed once, and on the books."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from conftest import Labs, eventually, migrated_database
from trading import CLOCK, Bed, bed_of, check_books, member

from stockops import books, conditions, orders, predictions
from stockops import lab as labs
from stockops.cli import main
from stockops.conditions import Executed
from stockops.engine import ENGINES, connect
from stockops.errors import ConfigError, Fault, Finding, ServerError
from stockops.market import KST
from stockops.orders import clock_of
from stockops.predictions import Line, Loaded
from stockops.predictions.reading import FIELDS

ENDS = datetime(2025, 2, 1, tzinfo=KST)
LATER = clock_of(CLOCK.business_date or ENDS.date(), time(11, 30))


class Undone(Exception):
    """Ends a transaction whose changes are not to stay."""


@pytest.fixture(scope="module", params=sorted(ENGINES))
def bed(request: pytest.FixtureRequest, all_labs: Labs) -> Iterator[Bed]:
    """A database for all tests of an engine: each makes issues and accounts of its own."""
    with bed_of(all_labs.get(str(request.param))) as bed:
        yield bed


def fields(bed: Bed, symbol: str | None, user: int, **changed: Any) -> dict[str, Any]:
    """A valid prediction for `user`; on `bed`, accounts and their users have one number."""
    return {
        "user_id": user,
        "symbol": symbol,
        "model_version": "sample-1",
        "side": "buy",
        "confidence": "0.9",
        "predicted_at": "2025-01-03T09:30:00+09:00",
        "target_won": str(next(bed.numbers) + 50_000),  # no two are the same
        **changed,
    }


def load(bed: Bed, *asked: dict[str, Any]) -> Loaded:
    lines = [Line(number=n, fields=each) for n, each in enumerate(asked, 1)]
    return predictions.load(bed.server, lines, clock=CLOCK)


def predict(bed: Bed, symbol: str, user: int, **changed: Any) -> int:
    """Store a valid prediction; return its number."""
    assert load(bed, fields(bed, symbol, user, **changed)).valid == 1
    return int(bed.one("SELECT max(prediction_id) AS n FROM predictions"))


def condition(bed: Bed, account: int, symbol: str, **changed: Any) -> int:
    """Make a condition that waits for a prediction; return its number."""
    rule = {"symbol": symbol, "side": "buy", "quantity": 3, "min_confidence": 0.8, **changed}
    return add(bed, account, {k: v for k, v in rule.items() if v is not None})


def add(bed: Bed, account: int, *rules: dict[str, Any], expires_at: datetime = ENDS) -> int:
    read = conditions.read(io.BytesIO(json.dumps(rules).encode()), "rules.json")
    made = conditions.add(bed.server, read, account_id=account, expires_at=expires_at, clock=CLOCK)
    return made[-1].condition_id


def run(bed: Bed, clock: orders.Clock = CLOCK) -> list[Executed]:
    return conditions.run(bed.server, clock=clock)


def of(bed: Bed, condition_id: int) -> tuple[str, int]:
    """The status of a condition, and how many orders it placed."""
    [row] = bed.server.rows(
        "SELECT status, executions FROM conditions WHERE condition_id = %(c)s", {"c": condition_id}
    )
    return str(row["status"]), int(row["executions"])


def audited(bed: Bed, entity: str, entity_id: int) -> list[str]:
    """What was done to something, in order."""
    rows = bed.server.rows(
        "SELECT action FROM audit_log WHERE entity = %(e)s AND entity_id = %(i)s ORDER BY audit_id",
        {"e": entity, "i": str(entity_id)},
    )
    return [str(row["action"]) for row in rows]


def told(bed: Bed, column: str, number: int | None) -> list[tuple[str, str]]:
    rows = bed.server.rows(
        f"SELECT kind, channel FROM notifications WHERE {column} = %(n)s ORDER BY notification_id",
        {"n": number},
    )
    return [(str(row["kind"]), str(row["channel"])) for row in rows]


def quarantined(bed: Bed) -> int:
    """Store a quarantined prediction; return its number."""
    symbol, user = bed.stock(), bed.account()
    assert load(bed, fields(bed, symbol, user, confidence="0.3")).quarantined == 1
    return int(bed.one("SELECT max(prediction_id) AS n FROM predictions"))


def test_a_load_stores_what_it_can_once(bed: Bed) -> None:
    symbol, user = bed.stock(), bed.account()
    asked = [
        fields(bed, symbol, user),
        fields(bed, symbol, user, confidence="0.3"),
        fields(bed, None, user),
        fields(bed, symbol, 999_999),
        fields(bed, symbol, user, confidence="high"),
        fields(bed, symbol, user, model_version="other"),
    ]
    lines = [Line(number=n, fields=each) for n, each in enumerate([*asked, asked[0]], 2)]
    steps = predictions.steps(predictions.foreseen(bed.server, lines, clock=CLOCK))
    assert [step.action.split()[1:4] for step in steps] == [
        ["1", "prediction", "as"],
        ["3", "predictions", "as"],
        ["out", "2", "lines"],
        ["1", "prediction", "as"],
    ]
    count = "SELECT count(*) AS n FROM predictions WHERE user_id = %(u)s"
    assert bed.one(count, u=user) == 0

    loaded = predictions.load(bed.server, lines, clock=CLOCK)
    assert (loaded.lines, loaded.valid, loaded.quarantined, loaded.refused, loaded.there) == (
        7, 1, 3, 2, 1,
    )  # fmt: skip
    assert [(each.line, each.state, each.reason) for each in loaded.problems] == [
        (3, "quarantined", "confidence 0.3 is below 0.5"),
        (4, "quarantined", "symbol is missing"),
        (5, "refused", "there is no user 999999"),
        (6, "refused", "confidence is 'high', not a number"),
        (7, "quarantined", "no model is called 'other'"),
    ]
    for row in bed.server.rows(
        "SELECT prediction_id, status FROM predictions WHERE user_id = %(u)s", {"u": user}
    ):
        number = int(row["prediction_id"])
        bad = row["status"] == "quarantined"
        assert audited(bed, "prediction", number) == (["quarantine"] if bad else [])
        assert told(bed, "prediction_id", number) == ([("ai_warning", "push")] if bad else [])

    again = predictions.load(bed.server, lines, clock=CLOCK)
    assert (again.valid, again.quarantined, again.refused, again.there) == (0, 0, 2, 5)
    assert bed.one(count, u=user) == 4


def insert(bed: Bed, order_id: int, prediction: int) -> str:
    return (
        "INSERT INTO orders (order_id, account_id, idempotency_key, symbol, side, kind, limit_won, "
        "quantity, filled_quantity, reserved_won, status, reason, prediction_id, business_date, "
        f"placed_at, closed_event_id) SELECT -{next(bed.numbers)}, account_id, "
        f"'raw-{next(bed.numbers)}', symbol, side, kind, limit_won, quantity, 0, 0, 'rejected', "
        f"'halted', {prediction}, business_date, placed_at, 1 FROM orders "
        f"WHERE order_id = {order_id}"
    )


def test_the_database_refuses_every_order_of_a_quarantined_prediction(bed: Bed) -> None:
    prediction, account, symbol = quarantined(bed), bed.account(), bed.stock()
    good = predict(bed, symbol, account)
    plain = bed.buy(account, symbol, 1, 50_000).order_id
    used = bed.place(bed.order(account, "buy", symbol, 1, prediction_id=good)).order_id
    assert plain
    assert used
    with member(bed, "app") as app:
        asked = bed.order(account, "buy", symbol, 1, prediction_id=prediction)
        for place in (
            lambda: orders.place(app, asked, clock=CLOCK),
            lambda: orders.place_many(app, [asked], clock=CLOCK),
            lambda: app.execute(
                f"UPDATE predictions SET status = 'valid' WHERE prediction_id = {prediction}"
            ),
        ):
            with pytest.raises(ServerError, match="quarantined") as caught:
                place()
            assert caught.value.fault is Fault.REJECTED
    with member(bed, "owner") as owner:
        for sql, said in (
            (insert(bed, plain, prediction), "quarantined"),
            (
                f"UPDATE orders SET prediction_id = {prediction} WHERE order_id = {plain}",
                "quarantined",
            ),
            (
                f"UPDATE orders SET prediction_id = {prediction} WHERE order_id = {used}",
                "quarantined",
            ),
            (
                "UPDATE predictions SET status = 'quarantined', reason = 'late' "
                f"WHERE prediction_id = {good}",
                "has led to an order",
            ),
        ):
            with pytest.raises(ServerError, match=said):
                owner.execute(sql)
        assert owner.execute(insert(bed, plain, good)) == 1  # it is the prediction that is refused
        owner.execute("DELETE FROM orders WHERE order_id < 0")
    assert (
        bed.one("SELECT count(*) AS n FROM orders WHERE prediction_id = %(p)s", p=prediction) == 0
    )


def test_a_valid_prediction_has_what_a_trade_needs(bed: Bed) -> None:
    prediction = predict(bed, bed.stock(), bed.account())
    for change in ("confidence = 0.49", "confidence = NULL", "symbol = NULL", "side = NULL"):
        with pytest.raises(ServerError) as caught:
            bed.server.execute(
                f"UPDATE predictions SET {change} WHERE prediction_id = {prediction}"
            )
        assert caught.value.fault is Fault.REJECTED


def test_a_prediction_becomes_an_order_with_its_notices_and_audit_row(bed: Bed) -> None:
    account, symbol = bed.account(), bed.stock(50_000)
    weak = predict(bed, symbol, account, confidence="0.79")
    best = predict(bed, symbol, account, confidence="0.95")
    predict(bed, symbol, account, confidence="0.9")
    predict(bed, symbol, account, confidence="0.99", side="sell")
    predict(bed, symbol, account, confidence="0.98", predicted_at="2025-01-03T10:00:30+09:00")
    made = condition(bed, account, symbol)
    assert weak
    [done] = run(bed)
    assert (done.condition_id, done.prediction_id, done.status) == (made, best, "filled")
    [row] = bed.server.rows(
        "SELECT account_id, symbol, side, kind, quantity, filled_quantity, condition_id, "
        "prediction_id FROM orders WHERE order_id = %(o)s",
        {"o": done.order_id},
    )
    assert [*row.values()] == [account, symbol, "buy", "market", 3, 3, made, best]
    assert bed.trades(symbol) == [(50_000, 3)]
    assert told(bed, "order_id", done.order_id) == [
        ("order_executed", "push"),
        ("order_executed", "email"),
    ]
    assert (
        bed.one("SELECT min(body) AS b FROM notifications WHERE order_id = %(o)s", o=done.order_id)
        == f"조건 {made}: {symbol} 매수 3주 주문, 3주 체결, 150000원"
    )
    assert audited(bed, "condition", made) == ["add", "execute"]
    assert of(bed, made) == ("done", 1)
    assert run(bed) == []


def test_the_last_price_alone_meets_a_condition_within_its_band(bed: Bed) -> None:
    account, symbol = bed.account(), bed.stock(50_000)
    below = condition(
        bed, account, symbol, min_confidence=None, price_band={"to_won": 49_900},
    )  # fmt: skip
    at = condition(
        bed, account, symbol, min_confidence=None, quantity=None, amount_won=249_999,
        price_band={"from_won": 50_000, "to_won": 50_170}, notify=["sms"],
    )  # fmt: skip
    [done] = run(bed)
    assert (done.condition_id, done.prediction_id) == (at, None)
    # 50,170 is off the tick of 100; at 50,100 the amount buys four shares.
    assert (
        bed.one("SELECT limit_won AS l FROM orders WHERE order_id = %(o)s", o=done.order_id)
        == 50_100
    )
    assert (done.status, done.filled_quantity) == ("filled", 4)
    assert told(bed, "order_id", done.order_id) == [("order_executed", "sms")]
    assert of(bed, below) == ("active", 0)
    assert conditions.cancel(bed.server, below, clock=CLOCK).was == "active"


def test_a_limit_lies_in_its_band_around_the_last_price(bed: Bed) -> None:
    account, symbol = bed.account(), bed.stock(50_000)
    holder = bed.account(holds={symbol: 10})
    for who, side, band, due in (
        (account, "buy", 105, 50_500),
        (account, "buy", 3000, 65_000),
        (holder, "sell", 105, 49_500),
    ):
        predict(bed, symbol, who, side=side)
        condition(bed, who, symbol, side=side, price_band_bp=band)
        [done] = run(bed)
        sql = "SELECT limit_won AS l FROM orders WHERE order_id = %(o)s"
        assert bed.one(sql, o=done.order_id) == due, (side, band)


def test_a_condition_cools_down_and_never_takes_a_prediction_twice(bed: Bed) -> None:
    account, symbol = bed.account(), bed.stock()
    first = predict(bed, symbol, account, confidence="0.95")
    second = predict(bed, symbol, account, confidence="0.9")
    made = condition(bed, account, symbol, cool_down_s=3600)
    assert [each.prediction_id for each in run(bed)] == [first]
    assert run(bed) == []
    assert [each.prediction_id for each in run(bed, LATER)] == [second]
    assert of(bed, made) == ("active", 2)
    afternoon = replace(LATER, at=(LATER.at or ENDS) + timedelta(hours=2))
    assert run(bed, afternoon) == []
    bed.server.execute(
        "UPDATE conditions SET status = 'active' WHERE condition_id = %(c)s", {"c": made}
    )
    assert execute(bed, made, first) == ("skipped", "cooling_down")
    assert execute(bed, made, first, afternoon) == ("skipped", "done_before")
    assert conditions.cancel(bed.server, made, clock=CLOCK).was == "active"


def execute(
    bed: Bed, condition_id: int, prediction_id: int | None, clock: orders.Clock = CLOCK
) -> tuple[str, str | None]:
    """Call the routine as somebody would who does not ask first what is met."""
    day, at = clock.cells
    call = (
        "SELECT status, reason FROM execute_condition(%(c)s, %(p)s::bigint, %(d)s::date, "
        "%(a)s::timestamptz)"
        if bed.engine == "postgresql"
        else "CALL execute_condition(%(c)s, %(p)s, %(d)s, %(a)s)"
    )
    row = bed.server.rows(call, {"c": condition_id, "p": prediction_id, "d": day, "a": at})[0]
    return row["status"], row["reason"]


def test_a_condition_and_a_prediction_have_one_order_whoever_asks(bed: Bed) -> None:
    account, symbol = bed.account(), bed.stock()
    prediction = predict(bed, symbol, account)
    made = condition(bed, account, symbol)
    [done] = run(bed)
    again = bed.order(account, "buy", symbol, 1, condition_id=made, prediction_id=prediction)
    if bed.engine == "postgresql":
        with pytest.raises(ServerError) as caught:
            bed.place(again)
        assert caught.value.fault is Fault.DUPLICATE
    else:
        assert bed.place(again).reason == "key_reused"
    sql = "SELECT order_id AS o FROM orders WHERE condition_id = %(c)s"
    assert bed.one(sql, c=made) == done.order_id


def test_the_routine_looks_again_whatever_it_is_asked_for(bed: Bed) -> None:
    account, symbol = bed.account(), bed.stock()
    prediction, bad = predict(bed, symbol, account), quarantined(bed)
    other = predict(bed, bed.stock(), account)
    made = condition(bed, account, symbol)
    night = clock_of(CLOCK.business_date or ENDS.date(), time(20, 0))
    assert execute(bed, made, bad) == ("skipped", "not_met")
    assert execute(bed, made, other) == ("skipped", "not_met")
    assert execute(bed, made, None) == ("skipped", "not_met")
    assert execute(bed, -1, None) == ("skipped", "unknown_condition")
    assert execute(bed, made, prediction, night) == ("skipped", "closed_session")
    bed.server.execute("UPDATE stocks SET status = 'halted' WHERE symbol = %(s)s", {"s": symbol})
    assert run(bed) == []
    assert execute(bed, made, prediction) == ("skipped", "not_listed")
    assert of(bed, made) == ("active", 0)
    [step] = conditions.cancel_steps(bed.server, made)
    assert step.action.startswith(f"set condition {made} to cancelled")
    assert conditions.cancel(bed.server, made, clock=CLOCK).was == "active"
    assert execute(bed, made, prediction) == ("skipped", "not_active")
    with pytest.raises(Finding, match="is cancelled already"):
        conditions.cancel(bed.server, made, clock=CLOCK)
    with pytest.raises(Finding, match="is not there"):
        conditions.cancel(bed.server, -1, clock=CLOCK)
    assert audited(bed, "condition", made) == ["add", "withdraw"]


def test_what_no_order_can_be_made_of_is_paused_and_an_expired_one_ended(bed: Bed) -> None:
    account, symbol = bed.account(), bed.stock(50_000)
    predict(bed, symbol, account)
    small = condition(bed, account, symbol, quantity=None, amount_won=49_999)
    huge = condition(bed, account, symbol, quantity=10**9)
    ends = (CLOCK.at or ENDS) + timedelta(minutes=1)
    over = add(bed, account, {"symbol": symbol, "side": "sell", "quantity": 1,
                              "min_confidence": 0.5}, expires_at=ends)  # fmt: skip
    found = {each.condition_id: (each.status, each.reason) for each in run(bed)}
    assert found == {small: ("paused", "amount_too_small"), huge: ("paused", "bad_quantity")}
    assert of(bed, over) == ("active", 0)
    assert run(bed, LATER) == []
    assert of(bed, over) == ("expired", 0)
    assert audited(bed, "condition", over) == ["add", "lapse"]
    assert audited(bed, "condition", small) == ["add", "pause"]
    assert bed.trades(symbol) == []


def test_a_rejected_order_is_told_and_not_tried_again(bed: Bed) -> None:
    account, symbol = bed.account(1000), bed.stock(50_000)
    predict(bed, symbol, account)
    made = condition(bed, account, symbol)
    [done] = run(bed)
    assert (done.status, done.reason) == ("rejected", "insufficient_cash")
    assert told(bed, "order_id", done.order_id)[0] == ("order_rejected", "push")
    assert of(bed, made) == ("done", 1)
    assert run(bed) == []


def test_what_cannot_be_a_condition_is_refused_and_nothing_of_its_file_is_made(bed: Bed) -> None:
    account, symbol = bed.account(), bed.stock()
    gone = bed.stock(status="delisted")
    rule = {"symbol": symbol, "side": "buy", "quantity": 1, "min_confidence": 0.8}
    for rules, who, ends, said in (
        ([rule, {**rule, "symbol": gone}], account, ENDS, rf"\$\[1\] .*: {gone} is delisted"),
        ([rule], account, datetime(2025, 1, 3, 10, 0, tzinfo=KST), "is past"),
        ([rule], 999_999, ENDS, "there is no customer account 999999"),
        ([rule], 1, ENDS, "there is no customer account 1"),
        ([{**rule, "symbol": "9ZZZZZ"}], account, ENDS, "no issue has the code 9ZZZZZ"),
    ):
        with pytest.raises(ConfigError, match=said):
            add(bed, who, *rules, expires_at=ends)
    assert bed.one("SELECT count(*) AS n FROM conditions WHERE account_id = %(a)s", a=account) == 0
    with pytest.raises(ServerError) as caught:  # the database holds what a rule must have
        bed.server.execute(
            "INSERT INTO conditions (user_id, account_id, symbol, rule, expires_at, created_at) "
            "VALUES (%(a)s, %(a)s, %(s)s, '{\"side\": \"buy\"}', '2025-02-01', '2025-01-01')",
            {"a": account, "s": symbol},
        )
    assert caught.value.fault is Fault.REJECTED


def test_the_application_needs_no_more_than_its_role(bed: Bed) -> None:
    account, symbol = bed.account(), bed.stock()
    with member(bed, "app") as app:
        as_app = Bed(app, bed.target, bed.numbers)
        loaded = load(as_app, fields(bed, symbol, account), fields(bed, None, account))
        assert (loaded.valid, loaded.quarantined) == (1, 1)
        made = condition(as_app, account, symbol)
        kept = condition(as_app, account, symbol, min_confidence=1)
        assert [(each.condition_id, each.status) for each in run(as_app)] == [(made, "filled")]
        assert conditions.cancel(app, kept, clock=CLOCK).was == "active"
    assert audited(bed, "condition", made) == ["add", "execute"]


def test_generated_predictions_are_the_same_for_a_seed(bed: Bed, tmp_path: Path) -> None:
    bed.stock()
    bed.account()
    made = predictions.generate(bed.server, seed=5, count=400, clock=CLOCK)
    assert made == predictions.generate(bed.server, seed=5, count=400, clock=CLOCK)
    assert made != predictions.generate(bed.server, seed=6, count=400, clock=CLOCK)
    predictions.write_csv(made, tmp_path / "made.csv")
    loaded = predictions.load(bed.server, made, clock=CLOCK)
    assert loaded.valid > 300
    assert loaded.quarantined > 10
    again = predictions.load(bed.server, predictions.read(tmp_path / "made.csv"), clock=CLOCK)
    assert again.there == loaded.valid + loaded.quarantined + loaded.there


def stockops(bed: Bed, *words: str) -> Result:
    day = [] if "list" in words or "schema" in words else ["--date", "2025-01-03"]
    return CliRunner().invoke(main, ["trade", *words, "-t", bed.target.url, *day])


def test_the_commands_say_what_they_did_by_their_exit_codes(bed: Bed, tmp_path: Path) -> None:
    account, symbol = bed.account(), bed.stock()
    path = tmp_path / "one.json"
    path.write_text(json.dumps([fields(bed, symbol, account)]))
    plan = stockops(bed, "predictions", "load", str(path), "--plan")
    assert (plan.exit_code, "store 1 prediction as valid" in plan.stdout) == (0, True)
    done = stockops(bed, "predictions", "load", str(path), "--format", "json")
    assert (done.exit_code, json.loads(done.stdout)[0]["valid"]) == (0, 1)
    path.write_text(json.dumps([fields(bed, symbol, account, confidence=None)]))
    done = stockops(bed, "predictions", "load", str(path))
    assert (done.exit_code, "confidence is missing" in done.stdout) == (1, True)
    header = tmp_path / "header.csv"
    header.write_text(f"{','.join(FIELDS)}\n")
    path.write_text("[]")
    for nothing in (path, header):
        for words in ([], ["--plan"]):
            done = stockops(bed, "predictions", "load", str(nothing), *words)
            assert (done.exit_code, "nothing was checked" in done.stderr) == (1, True), words
    listed = stockops(
        bed, "predictions", "list", "--symbol", symbol, "--status", "valid", "--format", "json"
    )
    assert [row["symbol"] for row in json.loads(listed.stdout)] == [symbol]

    rule = tmp_path / "rule.json"
    rule.write_text(json.dumps({"symbol": symbol, "side": "buy", "quantity": 1,
                                "min_confidence": 0.8}))  # fmt: skip
    asked = ["conditions", "add", str(rule), "--account", str(account), "--expires", "2025-02-01"]
    planned = stockops(bed, *asked, "--plan")
    assert (planned.exit_code, "make a condition" in planned.stdout) == (0, True)
    assert stockops(bed, "conditions", "run", "--plan").stdout == "(none)\n"
    assert stockops(bed, *asked).exit_code == 0
    due = json.loads(stockops(bed, "conditions", "run", "--plan", "--format", "json").stdout)
    assert len(due) == 1
    ran = stockops(bed, "conditions", "run")
    assert (ran.exit_code, "1 condition met: 1 filled" in ran.stdout) == (0, True)
    listed = stockops(bed, "conditions", "list", "--symbol", symbol, "--format", "json")
    assert [(row["status"], row["expires_at"]) for row in json.loads(listed.stdout)] == [
        ("done", "2025-01-31T15:00:00+00:00")
    ]
    ended = stockops(bed, "conditions", "cancel", str(due[0]["condition_id"]), "--plan")
    assert (ended.exit_code, "is done already" in ended.stderr) == (1, True)
    assert stockops(bed, "conditions", "cancel", str(due[0]["condition_id"])).exit_code == 1
    rule.write_text("{}")
    refused = stockops(bed, *asked)
    assert refused.exit_code == 2
    assert "$: 'side' is a required property" in refused.stderr


def runner(bed: Bed) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "stockops", "trade", "conditions", "run"]
    command += ["-t", bed.target.url, "--date", "2025-01-03", "--format", "json"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


PLACED = "SELECT count(*) AS n FROM orders WHERE condition_id IS NOT NULL"
# Each finds conditions after a number that were not executed once and whole.
NOT_ONCE = (
    "SELECT c.condition_id FROM conditions AS c LEFT JOIN orders AS o "
    "ON o.condition_id = c.condition_id WHERE c.condition_id > %(after)s "
    "GROUP BY c.condition_id HAVING count(o.order_id) <> 1",
    "SELECT o.condition_id FROM orders AS o LEFT JOIN notifications AS n "
    "ON n.order_id = o.order_id WHERE o.condition_id > %(after)s "
    "GROUP BY o.condition_id HAVING count(n.notification_id) <> 2",
    "SELECT c.condition_id FROM conditions AS c LEFT JOIN audit_log AS l "
    "ON l.entity_id = concat(c.condition_id, '') AND l.entity = 'condition' "
    "AND l.action = 'execute' WHERE c.condition_id > %(after)s "
    "GROUP BY c.condition_id HAVING count(l.audit_id) <> 1",
    "SELECT condition_id FROM conditions WHERE condition_id > %(after)s "
    "AND (status <> 'done' OR executions <> 1)",
)


def many_due(bed: Bed, copies: int) -> tuple[int, int]:
    """Make conditions that are met; return how many, and the number before the first."""
    accounts = [bed.account() for _ in range(5)]
    issues = [bed.stock() for _ in range(4)]
    for symbol in issues:
        predict(bed, symbol, accounts[0])
    rules = [
        {"symbol": symbol, "side": "buy", "quantity": 1, "min_confidence": 0.8} for symbol in issues
    ]
    made = [add(bed, account, *rules * copies) for account in accounts]
    due = len(conditions.due(bed.server, clock=CLOCK))
    assert due == len(accounts) * len(rules) * copies
    return due, min(made) - len(rules) * copies


def test_four_runners_and_a_kill_execute_everything_once(bed: Bed) -> None:
    due, after = many_due(bed, 6)
    before = bed.one(PLACED)
    last = bed.one("SELECT max(account_id) AS n FROM conditions")
    runners = []
    try:
        with connect(bed.target) as holder, holder.transaction():
            # Nobody comes to the end of the work before one of them is killed in it.
            locked = "SELECT account_id FROM accounts WHERE account_id = %(a)s FOR UPDATE"
            holder.rows(locked, {"a": last})
            runners += [runner(bed) for _ in range(4)]
            eventually(lambda: bed.one(PLACED) > before + 5)
            assert runners[0].poll() is None
            os.kill(runners[0].pid, signal.SIGKILL)
        ended = [each.communicate(timeout=60) for each in runners]
    finally:
        for each in runners:
            each.kill()
            each.wait()
    assert [each.returncode for each in runners[1:]] == [0, 0, 0], ended
    said = [row for out, _ in ended[1:] for row in json.loads(out)]
    assert {row["status"] for row in said} <= {"filled", "skipped"}
    run(bed)
    for sql in NOT_ONCE:
        assert bed.server.rows(sql, {"after": after}) == []
    assert bed.one(PLACED) == before + due


@pytest.mark.soak
@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_a_killed_server_executes_everything_once(engine: str, all_labs: Labs) -> None:
    all_labs.get(engine)  # skips where the engine is missing
    with labs.temporary(engine) as lab, migrated_database(lab) as target:
        with connect(target) as server:
            bed = Bed(server, target)
            due, after = many_due(bed, 40)
            runners = [runner(bed) for _ in range(4)]
            try:
                eventually(lambda: bed.one(PLACED) > due // 8)
                labs.crash(lab)
                for each in runners:
                    each.communicate(timeout=60)
            finally:
                for each in runners:
                    each.kill()
                    each.wait()
        labs.start(lab)
        with connect(target) as server:
            bed = Bed(server, target)
            placed = bed.one(PLACED)
            assert 0 < placed < due
            assert len(run(bed)) == due - placed
            for sql in NOT_ONCE:
                assert bed.server.rows(sql, {"after": after}) == []
            check_books(server)


def test_the_books_hold_what_was_executed_and_notice_what_is_missing(bed: Bed) -> None:
    account, symbol = bed.account(), bed.stock()
    predict(bed, symbol, account)
    made = condition(bed, account, symbol)
    bad = quarantined(bed)
    [done] = run(bed)
    asked = ["quarantine", "conditional_orders", "audit_complete", "order_fills", "trade_journal"]

    def states() -> list[str]:
        return [each.state for each in books.check(bed.server, only=asked)]

    assert states() == ["held"] * 5
    for sql, number, noticed in (
        (
            "UPDATE conditions SET executions = 2 WHERE condition_id = %(n)s",
            made,
            "conditional_orders",
        ),
        ("DELETE FROM notifications WHERE order_id = %(n)s", done.order_id, "conditional_orders"),
        ("DELETE FROM notifications WHERE prediction_id = %(n)s", bad, "quarantine"),
    ):
        with suppress(Undone), bed.server.transaction(isolation="read committed"):
            bed.server.execute(sql, {"n": number})
            found = [books.checking.ask(bed.server, each) for each in books.load(bed.server, asked)]
            assert [each.name for each in found if each.state == "violated"] == [noticed]
            raise Undone
    assert states() == ["held"] * 5
