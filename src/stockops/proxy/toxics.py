"""
What can be wrong with a network, each as one line of text: ``latency:ms=200,jitter_ms=50``.

The text is the only form outside this package: the command line, drill files and the state of a
running proxy hold it, `parse` reads it and `said` writes it.
"""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal, get_args

from ..errors import ConfigError

Way = Literal["up", "down", "both"]  # up: from the client to the server
Whom = Literal["all", "existing", "new"]

_MS_MAX = 3_600_000
_RETRANSMISSION_MS = 200  # the shortest that Linux waits before it sends a segment again


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Every chunk arrives `ms` later, give or take `jitter_ms`; the order stays."""

    ms: float
    jitter_ms: float = 0
    way: Way = "both"

    def __post_init__(self) -> None:
        _within("ms", self.ms, most=_MS_MAX)
        _within("jitter_ms", self.jitter_ms, most=self.ms)
        _one_of("way", self.way, get_args(Way))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bandwidth:
    """Each connection passes `kib_per_s` at most, each way by itself."""

    kib_per_s: float
    way: Way = "both"

    def __post_init__(self) -> None:
        _within("kib_per_s", self.kib_per_s, least=0.1)
        _one_of("way", self.way, get_args(Way))


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """
    What lost segments come to for a TCP connection: a stall, never a missing byte.

    A `share` of the chunks, and all behind them, waits as long as TCP takes to send it again:
    `rto_ms`, doubled for every further time it is lost. Real loss is also noticed by duplicate
    acknowledgements, sooner, and lowers the rate afterwards; that is not imitated.
    """

    share: float
    rto_ms: float = _RETRANSMISSION_MS
    way: Way = "both"

    def __post_init__(self) -> None:
        _within("share", self.share, most=0.9)
        _within("rto_ms", self.rto_ms, least=1, most=_MS_MAX)
        _one_of("way", self.way, get_args(Way))


@dataclass(frozen=True, slots=True, kw_only=True)
class BlackHole:
    """
    Nothing arrives, and nobody is told; when it is over, what was sent arrives.

    New connections are taken, because the kernel answers for any listener, and then hear nothing;
    the server does not learn of them before the end.
    """

    way: Way = "both"
    whom: Whom = "all"

    def __post_init__(self) -> None:
        _one_of("way", self.way, get_args(Way))
        _one_of("whom", self.whom, get_args(Whom))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """
    A `share` of the connections is cut: existing ones at once, new ones at their first byte.

    Over TCP the client gets an RST. A Unix socket has none: there it is the end of the file.
    """

    share: float = 1
    whom: Whom = "all"

    def __post_init__(self) -> None:
        _within("share", self.share, most=1)
        _one_of("whom", self.whom, get_args(Whom))


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """New connections are refused, as where nobody listens; those that are there go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowClose:
    """When one side closes, the other side learns of it `ms` later."""

    ms: float

    def __post_init__(self) -> None:
        _within("ms", self.ms, most=_MS_MAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class _LostWords:
    """
    Which words are lost: a `share` of those that fit, `count` at most (0: no limit).

    What ends a transaction that may have written fits: COMMIT, or a statement outside of a
    transaction. Without `statement` the kind of it decides, which a SELECT that calls a routine
    does not pass; with `statement`, a regular expression, its text does, whatever its kind.
    """

    count: int = 0
    share: float = 1
    statement: str = ""

    def __post_init__(self) -> None:
        _within("count", self.count)
        _within("share", self.share, most=1)
        try:
            re.compile(self.statement)
        except re.error as exc:
            raise ConfigError(
                f"statement={self.statement!r} is no regular expression: {exc}",
                hint="Escape what is meant as it is: place_order\\(",
            ) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class LostReply(_LostWords):
    """The server commits, its answer is dropped, and the connection is cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LostRequest(_LostWords):
    """The request is dropped before the server sees it, and the connection is cut."""


Toxic = (
    Latency | Bandwidth | Loss | BlackHole | Reset | Refuse | SlowClose | LostReply | LostRequest
)
KINDS: Mapping[str, type[Any]] = {
    "latency": Latency,
    "bandwidth": Bandwidth,
    "loss": Loss,
    "black_hole": BlackHole,
    "reset": Reset,
    "refuse": Refuse,
    "slow_close": SlowClose,
    "lost_reply": LostReply,
    "lost_request": LostRequest,
}
_NAMES = {kind: name for name, kind in KINDS.items()}
_REST = "statement="  # takes all that follows: a regular expression may hold commas


def name_of(toxic: Toxic) -> str:
    """Return the first word of `toxic` as text."""
    return _NAMES[type(toxic)]


def said(toxic: Toxic) -> str:
    """Return `toxic` as text, without what is as usual."""
    told = [
        f"{field.name}={_number(value)}"
        for field in dataclasses.fields(toxic)
        if (value := getattr(toxic, field.name)) != field.default
    ]
    return ":".join([name_of(toxic), *([",".join(told)] if told else [])])


def parse(text: str) -> Toxic:
    """Return the toxic that `text` says; `ConfigError` names what is wrong and what is near."""
    name, _, rest = text.strip().partition(":")
    kind = KINDS.get(name)
    if kind is None:
        raise _unknown("toxic", name, KINDS)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    given: dict[str, Any] = {}
    for word in _words(rest):
        key, equals, value = word.partition("=")
        if key not in fields or not equals:
            raise _unknown(f"part of {name}", key, fields)
        given[key] = _value(key, value, fields[key].type)
    missing = [
        key for key, field in fields.items() if field.default is dataclasses.MISSING
        and key not in given
    ]  # fmt: skip
    if missing:
        raise ConfigError(
            f"the toxic {name} needs {missing[0]}", hint=f"Write it as {name}:{missing[0]}=NUMBER."
        )
    made: Toxic = kind(**given)
    return made


def _words(rest: str) -> list[str]:
    front, mark, statement = rest.partition(_REST)
    words = [word.strip() for word in front.split(",") if word.strip()]
    return words + ([mark + statement] if mark else [])


def _value(key: str, text: str, kind: Any) -> Any:
    if kind not in {int, float}:
        return text
    try:
        return kind(text)
    except ValueError:
        what = "a whole number" if kind is int else "a number"
        raise ConfigError(f"{key}={text!r} is not {what}", hint=f"Write {key}=1.") from None


def _unknown(what: str, name: str, known: Mapping[str, Any]) -> ConfigError:
    near = get_close_matches(name, known, 1)
    return ConfigError(
        f"no {what} is called {name!r}",
        hint=f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known) or 'none'}.",
    )


def _within(key: str, value: float, *, least: float = 0, most: float = 1e9) -> None:
    if not least <= value <= most:
        raise ConfigError(
            f"{key}={_number(value)} is out of range", hint=f"It goes from {least:g} to {most:g}."
        )


def _one_of(key: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise _unknown(key, value, dict.fromkeys(known))


def _number(value: object) -> object:
    return f"{value:g}" if isinstance(value, float) else value
