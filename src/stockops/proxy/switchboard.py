"""The toxics in force, what they did, and the connections they apply to."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Protocol, TypeVar

from . import toxics
from .lane import Conditions
from .talk import Asked, Told
from .toxics import BlackHole, LostReply, LostRequest, Refuse, Reset, SlowClose, Toxic

Kind = TypeVar("Kind")
_WAYS = ("up", "down")


class Connected(Protocol):
    """What the switchboard needs of a connection."""

    number: int

    @property
    def is_blind(self) -> bool:
        """Whether its words cannot be told, though they were to be."""

    def adapt(self) -> None:
        """Do as the toxics say that are in force now."""

    def reset(self) -> None:
        """Cut it."""


@dataclass(slots=True)
class _Loss:
    """A toxic that loses words, ready to be asked; `left` None is no limit."""

    toxic: LostReply | LostRequest
    pattern: re.Pattern[str] | None
    left: int | None


@dataclass(slots=True)
class Switchboard:
    """What all connections of a proxy share; everything happens in one event loop."""

    dice: Random
    toxics: tuple[Toxic, ...] = ()
    counted: Counter[str] = field(default_factory=Counter)
    did: Counter[str] = field(default_factory=Counter)
    links: dict[int, Connected] = field(default_factory=dict)
    conditions: dict[str, Conditions] = field(default_factory=lambda: _conditions(()))
    _newest_before: int = 0  # the newest connection when the toxics were set
    _losses: list[_Loss] = field(default_factory=list)

    def apply(self, wanted: Sequence[Toxic]) -> None:
        """Put `wanted` in force, and nothing else."""
        self.toxics = tuple(wanted)
        self._newest_before = max(self.links, default=0)
        self.conditions = _conditions(self.toxics)
        self._losses = [
            _ready(each) for each in self.toxics if isinstance(each, LostReply | LostRequest)
        ]
        for link in list(self.links.values()):
            link.adapt()
        for reset in self._all(Reset):
            if reset.whom != "new":
                for link in list(self.links.values()):
                    if self.dice.random() < reset.share:
                        self.did["reset"] += 1
                        link.reset()

    def cut(self) -> None:
        """Cut every connection."""
        for link in list(self.links.values()):
            link.reset()

    def add(self, link: Connected) -> None:
        """Take in a new connection."""
        self.counted["connections"] += 1
        self.links[link.number] = link

    def dooms(self) -> bool:
        """Tell whether a new connection is to be reset at its first byte."""
        return any(self.dice.random() < each.share for each in self._resets())

    def cuts_new(self) -> bool:
        """Tell whether those that were doomed still are."""
        return bool(self._resets())

    def swallows(self, way: str, number: int) -> bool:
        """Tell whether the connection `number` is in a black hole that way."""
        is_old = number <= self._newest_before
        return any(
            hole.way in {way, "both"} and hole.whom in {"all", "existing" if is_old else "new"}
            for hole in self._all(BlackHole)
        )

    @property
    def refuses(self) -> bool:
        """Whether new connections are refused."""
        return bool(self._all(Refuse))

    @property
    def slow_close_s(self) -> float:
        """How long a side has to wait until it learns that the other one closed."""
        return max((each.ms for each in self._all(SlowClose)), default=0) / 1000

    def holds(self, kind: type[LostReply] | type[LostRequest]) -> bool:
        """Tell whether words of that kind may be lost yet."""
        return any(isinstance(each.toxic, kind) and each.left != 0 for each in self._losses)

    def loses(self, words: Asked | Told | None) -> bool:
        """Tell whether these words are to be lost, and count that."""
        for loss in self._losses:
            if loss.left == 0 or not _fits(loss, words):
                continue
            if self.dice.random() < loss.toxic.share:
                loss.left = None if loss.left is None else loss.left - 1
                self.did[toxics.name_of(loss.toxic)] += 1
                return True
        return False

    def _resets(self) -> list[Reset]:
        return [each for each in self._all(Reset) if each.whom != "existing"]

    def _all(self, kind: type[Kind]) -> list[Kind]:
        return [each for each in self.toxics if isinstance(each, kind)]


def _ready(toxic: LostReply | LostRequest) -> _Loss:
    pattern = re.compile(toxic.statement, re.IGNORECASE) if toxic.statement else None
    return _Loss(toxic, pattern, toxic.count or None)


def _fits(loss: _Loss, words: Asked | Told | None) -> bool:
    match words, loss.toxic:
        case Told(), LostReply():
            return words.has_committed(loss.pattern)
        case Asked(), LostRequest():
            return words.may_commit(loss.pattern)
    return False


def _conditions(wanted: Sequence[Toxic]) -> dict[str, Conditions]:
    """Return what each way is like under all of `wanted`: delays add up, the lowest rate counts."""
    return {way: _one_way(way, wanted) for way in _WAYS}


def _one_way(way: str, wanted: Sequence[Toxic]) -> Conditions:
    latency_s = jitter_s = bytes_per_s = loss_share = rto_s = 0.0
    for each in wanted:
        if getattr(each, "way", "") not in {way, "both"}:
            continue
        match each:
            case toxics.Latency():
                latency_s += each.ms / 1000
                jitter_s += each.jitter_ms / 1000
            case toxics.Bandwidth():
                bytes_per_s = min(bytes_per_s or each.kib_per_s * 1024, each.kib_per_s * 1024)
            case toxics.Loss():
                loss_share, rto_s = max(loss_share, each.share), max(rto_s, each.rto_ms / 1000)
    return Conditions(
        latency_s=latency_s,
        jitter_s=jitter_s,
        bytes_per_s=bytes_per_s,
        loss_share=loss_share,
        rto_s=rto_s,
    )
