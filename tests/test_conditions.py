"""Rules, and the places of what is wrong with them: without a server."""

import io
import json
from typing import Any

import pytest

from stockops.conditions import read, schema
from stockops.errors import ConfigError

GOOD = {"symbol": "005930", "side": "buy", "quantity": 10, "min_confidence": 0.8}


def refusal(asked: object) -> str:
    raw = asked if isinstance(asked, bytes) else json.dumps(asked).encode()
    with pytest.raises(ConfigError) as caught:
        read(io.BytesIO(raw), "rules.json")
    assert caught.value.hint
    return str(caught.value)


def changed(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in {**GOOD, **fields}.items() if value is not None}


def test_a_rule_that_fits_is_read_without_its_symbol() -> None:
    band = {"from_won": 1, "to_won": 2}
    asked = [GOOD, changed(quantity=3.0, price_band=band, cool_down_s=60, notify=["sms"])]
    first, second = read(io.BytesIO(json.dumps(asked).encode()), "rules.json")
    assert (first.place, first.symbol) == ("$[0]", "005930")
    assert json.loads(first.text) == {"side": "buy", "quantity": 10, "min_confidence": 0.8}
    assert '"quantity": 3,' in second.text
    [alone] = read(io.BytesIO(json.dumps(GOOD).encode()), "-")
    assert alone.place == "$"


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ([GOOD, changed(side="hold")], "rules.json: $[1].side: 'hold' is not one of"),
        (changed(quantity=0), "$.quantity: 0 is less than the minimum of 1"),
        (changed(quantity=True), "$.quantity: True is not of type 'integer'"),
        (changed(quantity=None), "$: a rule names either quantity or amount_won"),
        (changed(amount_won=5), "$: a rule names either quantity or amount_won"),
        (changed(min_confidence=None), "$: a rule waits for min_confidence, model_version or"),
        (changed(min_confidence=0.4), "$.min_confidence: 0.4 is less than the minimum of 0.5"),
        (changed(symbol="5930"), "$.symbol: '5930' does not match"),
        (changed(symbol=None), "$: 'symbol' is a required property"),
        (changed(mood=1), "$: Additional properties are not allowed ('mood' was unexpected)"),
        (changed(price_band={}), "$.price_band: {} should be non-empty"),
        (changed(price_band={"from_won": "x"}), "$.price_band.from_won: 'x' is not of type"),
        (changed(price_band={"from_won": 3, "to_won": 2}), "$.price_band: from_won 3 is above"),
        (changed(cool_down_s=0), "$.cool_down_s: 0 is less than the minimum of 1"),
        (changed(notify=["fax"]), "$.notify[0]: 'fax' is not one of"),
        ([GOOD, 7], "$[1]: 7 is not of type 'object'"),
        ([], "rules.json holds 0 rules"),
        (b'{"side": "buy", "side": "sell"}', "'side' stands there twice"),
        (b'{"min_confidence": NaN}', "NaN is no number"),
        (b"{", "rules.json is no JSON"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_rule_that_does_not_fit_is_told_with_its_place(asked: object, told: str) -> None:
    assert told in refusal(asked)


def test_what_is_wrong_is_told_all_at_once_and_in_bounds() -> None:
    said = refusal([changed(side="hold")] * 9)
    assert said.count("'hold'") == 5
    assert said.endswith("; and 4 more")


def test_the_schema_is_one() -> None:
    from jsonschema import Draft202012Validator

    Draft202012Validator.check_schema(json.loads(schema()))
