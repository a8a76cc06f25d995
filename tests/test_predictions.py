"""What predictions are judged by, and what of a file cannot be read: without a server."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stockops.errors import ConfigError
from stockops.predictions import Line, read
from stockops.predictions.judging import Ground, Issue, judge

NOW = datetime(2025, 1, 3, 1, 0, tzinfo=UTC)
GROUND = Ground(
    issues={
        "005930": Issue("005930", "listed", 35_000, 65_000),
        "000010": Issue("000010", "delisted", 350, 650),
    },
    models={"m-1": "active", "m-0": "retired"},
    now=NOW,
)
GOOD: Mapping[str, Any] = {
    "user_id": 1001,
    "symbol": "005930",
    "model_version": "m-1",
    "side": "buy",
    "confidence": "0.9",
    "target_won": 60_000,
    "predicted_at": "2025-01-03T09:30:00+09:00",
    "expires_at": "2025-01-04T09:30:00+09:00",
}


def verdict(**changed: Any) -> tuple[str, str | None]:
    judged = judge(Line(number=7, fields={**GOOD, **changed}), GROUND)
    return judged.state, judged.reason


def test_a_good_prediction_is_valid() -> None:
    assert verdict() == ("valid", None)
    assert verdict(target_won=None, expires_at=None, confidence="0.5") == ("valid", None)
    assert verdict(target_won=35_000) == verdict(target_won=65_000) == ("valid", None)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("confidence", None, "confidence is missing"),
        ("confidence", "0.49996", "confidence 0.49996 is below 0.5"),
        ("confidence", "1.2", "confidence 1.2 is outside 0 to 1"),
        ("confidence", "-0.1", "confidence -0.1 is outside 0 to 1"),
        ("symbol", None, "symbol is missing"),
        ("symbol", "999999", "no issue has the code '999999'"),
        ("symbol", "x" * 99, "no issue has the code 'xxx"),
        ("symbol", "000010", "000010 is delisted"),
        ("model_version", None, "model_version is missing"),
        ("model_version", "m-9", "no model is called 'm-9'"),
        ("model_version", "m-0", "the model m-0 is retired"),
        ("side", None, "side is missing"),
        ("target_won", 34_999, "target_won 34999 is outside the day's price limits 35000 to 65000"),
        ("target_won", 65_001, "target_won 65001 is outside"),
        ("predicted_at", "2025-01-03T10:01:01+09:00", "it is from the future"),
        ("predicted_at", "2025-01-02T09:59:59+09:00", "it is stale"),
        ("expires_at", "2025-01-03T10:00:00+09:00", "it has ended"),
        ("expires_at", "2025-01-03T09:30:00+09:00", "it ends before it begins"),
    ],
)
def test_a_suspicious_prediction_is_quarantined_with_its_reason(
    field: str, value: object, reason: str
) -> None:
    state, said = verdict(**{field: value})
    assert state == "quarantined"
    assert said is not None
    assert said.startswith(reason)


def test_everything_that_is_wrong_is_told_and_what_no_column_holds_is_left_out() -> None:
    fields = {**GOOD, "symbol": None, "model_version": "m-9", "confidence": "7"}
    judged = judge(Line(number=1, fields=fields), GROUND)
    assert judged.reason == (
        "symbol is missing; no model is called 'm-9'; confidence 7 is outside 0 to 1"
    )
    assert {judged.row[name] for name in ("symbol", "model_version", "confidence")} == {None}


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("user_id", None, "user_id is missing"),
        ("user_id", "kim", "user_id is 'kim', not a number"),
        ("user_id", "1.5", "user_id is '1.5', not a whole number from 1 on"),
        ("predicted_at", None, "predicted_at is missing"),
        ("predicted_at", "2025-01-03 10:00", "predicted_at is '2025-01-03 10:00', not an instant"),
        ("predicted_at", 17, "predicted_at is 17, not an instant"),
        ("side", "hold", "side is 'hold', neither buy nor sell"),
        ("confidence", "high", "confidence is 'high', not a number"),
        ("confidence", "NaN", "confidence is 'NaN', not a number"),
        ("confidence", True, "confidence is True, not a number"),
        ("confidence", "1e999999", "confidence is '1e999999', not a number"),
        ("symbol", 5930, "symbol is 5930, not a text"),
        ("target_won", "0", "target_won is '0', not a whole number from 1 on"),
    ],
)
def test_what_cannot_be_stored_is_refused(field: str, value: object, reason: str) -> None:
    state, said = verdict(**{field: value})
    assert state == "refused"
    assert said is not None
    assert said.startswith(reason)


def key(line: Line) -> object:
    return judge(line, GROUND).row["prediction_key"]


def test_the_three_forms_of_a_file_say_the_same(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.csv", "a.json", "a.jsonl")]
    cells = ",".join(str(value) for value in GOOD.values())
    paths[0].write_text(f"{','.join(GOOD)}\n{cells}\n")
    paths[1].write_text(json.dumps([{**GOOD, "confidence": 0.9}]))
    paths[2].write_text(json.dumps({**GOOD, "predicted_at": "2025-01-03T00:30:00Z"}) + "\n")
    found = [list(read(path)) for path in paths]
    assert [len(lines) for lines in found] == [1, 1, 1]
    assert len({key(lines[0]) for lines in found}) == 1
    other = replace(found[0][0], fields={**GOOD, "target_won": 60_001})
    assert key(other) != key(found[0][0])


def test_a_bad_line_is_told_by_its_number_and_stops_nothing(tmp_path: Path) -> None:
    csv = tmp_path / "a.csv"
    csv.write_text("user_id,side\n1,buy\n\n2,buy,3\n4,sell\n")
    assert [(each.number, each.error) for each in read(csv)] == [
        (2, None),
        (4, "3 cells under 2 headers"),
        (5, None),
    ]
    lines = tmp_path / "a.jsonl"
    lines.write_text('{"user_id": 1}\n{"user_id"\n[2]\n\n{"kim": 1}\n')
    found = [(each.number, each.error) for each in read(lines)]
    assert found[0] == (1, None)
    assert found[1][1] is not None
    assert found[1][1].startswith("no JSON: ")
    assert found[2:] == [(3, "a prediction is an object"), (5, "no field is called 'kim'")]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", b"user_id,mood\n", "a.csv:1: no field is called 'mood'"),
        ("a.csv", b"", "is empty: it has not even a header"),
        ("a.csv", b"\xef\xbb\xbf\r\n", "is empty: it has not even a header"),
        ("a.json", b"[1,", "a.json: "),
        ("a.json", b"{}\n\xff", "a.json:2: this is not UTF-8"),
    ],
)
def test_what_is_no_file_of_predictions_is_refused(
    tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        list(read(path))
    assert told in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        read(tmp_path / "none.csv")


def test_how_old_is_stale_can_be_said() -> None:
    line = Line(number=1, fields={**GOOD, "predicted_at": "2025-01-03T09:58:59+09:00"})
    assert judge(line, replace(GROUND, stale_after_s=60)).reason == "it is stale"
    assert judge(line, replace(GROUND, stale_after_s=61)).reason is None
    ahead = (NOW + timedelta(seconds=60)).isoformat()
    assert verdict(predicted_at=ahead) == ("valid", None)
