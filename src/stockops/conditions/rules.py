"""Read rules from JSON, and say where one does not fit the schema."""

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import IO, TYPE_CHECKING, Any

from ..errors import ConfigError

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

RULES_MAX = 10_000
_FILE_BYTES_MAX = 16 * 1024 * 1024
_TOLD_MAX = 5
_HINT = "The schema of a rule: stockops trade conditions schema"
# What the library says of these two names no field.
_WORDS = {
    "oneOf": "a rule names either quantity or amount_won",
    "anyOf": "a rule waits for min_confidence, model_version or price_band: name one at least",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule that fits the schema; `place` is where the file has it, such as ``$[2]``."""

    place: str
    symbol: str
    body: Mapping[str, Any]

    @property
    def text(self) -> str:
        """The rule as it is stored: the issue has a column of its own."""
        return json.dumps({name: value for name, value in self.body.items() if name != "symbol"})


@functools.cache
def schema() -> str:
    """Return the schema of a rule, as JSON."""
    return (resources.files(__package__) / "rule.schema.json").read_text("utf-8")


def read(file: IO[bytes], name: str) -> list[Rule]:
    """
    Return the rules in `file`, which is called `name`: one object, or an array of them.

    Raises `ConfigError` with the places of the first errors; there are then no rules at all.
    """
    raw = file.read(_FILE_BYTES_MAX + 1)
    if len(raw) > _FILE_BYTES_MAX:
        raise ConfigError(
            f"{name} is larger than {_FILE_BYTES_MAX >> 20} MiB", hint="Add them in parts."
        )
    try:
        asked = json.loads(raw, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as exc:
        raise ConfigError(f"{name} is no JSON: {exc}", hint=_HINT) from exc
    places = enumerate(asked) if isinstance(asked, list) else [(None, asked)]
    rules = [
        Rule(place="$" if n is None else f"$[{n}]", symbol="", body=body) for n, body in places
    ]
    if not 1 <= len(rules) <= RULES_MAX:
        raise ConfigError(f"{name} holds {len(rules)} rules, and not 1 to {RULES_MAX}", hint=_HINT)
    wrong = [each for rule in rules for each in _errors(rule)]
    if wrong:
        more = f"; and {len(wrong) - _TOLD_MAX} more" if len(wrong) > _TOLD_MAX else ""
        told = "; ".join(wrong[:_TOLD_MAX])
        raise ConfigError(f"{name}: {told}{more}", hint=_HINT)
    return [_sound(rule) for rule in rules]


def _errors(rule: Rule) -> Iterator[str]:
    """Yield what is wrong with `rule`, each after its place."""
    found = sorted(_validator().iter_errors(rule.body), key=lambda each: each.json_path)
    for each in found:
        yield f"{rule.place}{each.json_path[1:]}: {_said(each)}"
    band = rule.body.get("price_band", {}) if not found else {}
    if "from_won" in band and "to_won" in band and band["from_won"] > band["to_won"]:
        yield f"{rule.place}.price_band: from_won {band['from_won']} is above to_won"


def _said(error: "ValidationError") -> str:
    return _WORDS.get(str(error.validator)) or str(error.message)


@functools.cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator  # noqa: PLC0415  only who reads rules pays for it

    return Draft202012Validator(json.loads(schema()))


def _sound(rule: Rule) -> Rule:
    """Return `rule` with its issue, and whole numbers that JSON wrote as 3.0 as whole numbers."""
    body = json.loads(json.dumps(rule.body), parse_float=_plain_number)
    return Rule(place=rule.place, symbol=body["symbol"], body=body)


def _plain_number(text: str) -> int | float:
    number = float(text)
    return int(number) if number.is_integer() else number


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    body = dict(pairs)
    if len(body) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} stands there twice")
    return body


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is no number")
