"""Settings tried: the trading load with them and without, in turn, and what may be said of it."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import exp, log
from statistics import fmean
from typing import Any

from .. import trials
from ..errors import ConfigError, Finding
from ..trials import Variant, Verdict
from . import load
from .advised import LeftOut, Tryable
from .changes import Change, Takes, strongest
from .load import Load
from .moments import Moment, Told, heard
from .stand import Stand

MARGIN = 0.05
ROUNDS = 4
SECONDS = 5.0
_LAB_S = 8.0  # to make a lab with a market in it, and to remove it
_TURN_S = 1.0  # of a turn, beside its load: sessions, a checkpoint
_RESTART_S = 2.0
_WARMUPS: tuple[Variant, ...] = ("after", "before")  # left out; what is refused shows at once

# A percentile means something where ten answers lie beyond it.
_ANSWERS_MIN = {"p99_ms": 1000, "p95_ms": 200, "p50_ms": 20}
_MEASURES = (
    ("orders_per_s", "orders/s", False),
    ("p50_ms", "p50 ms", True),
    ("p95_ms", "p95 ms", True),
    ("p99_ms", "p99 ms", True),
    ("log_bytes_per_order", "log bytes/order", True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialPlan:
    """How long, how often, and how much of a difference is one."""

    seconds: float = SECONDS
    rounds: int = ROUNDS
    clients: int = load.CLIENTS
    seed: int = 1
    warmup_s: float = load.WARMUP_S
    margin: float = MARGIN

    @property
    def turns(self) -> tuple[Variant, ...]:
        """Who is measured, in order."""
        return tuple(trials.turns(self.rounds))

    def restarts(self, takes: Takes) -> int:
        """Return how often the server is restarted: before every turn, or never."""
        return len(self.turns) + len(_WARMUPS) if takes == "restart" else 0

    def planned_s(self, takes: Takes) -> float:
        """Return about how long it all takes, the lab included."""
        each_s = self.seconds + self.warmup_s + _TURN_S
        turns_s = (len(self.turns) + len(_WARMUPS)) * each_s
        return _LAB_S + turns_s + self.restarts(takes) * _RESTART_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One turn: what was in force, as the server said before the load, and what came of it."""

    variant: Variant
    in_force: Mapping[str, str]
    load: Load


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """
    One measure: geometric means of the turns, their ratio, and what its interval allows to say.

    The interval is of 95 %. `note` says why a verdict is unknown.
    """

    measure: str
    before: float
    after: float
    ratio: float | None
    low: float | None
    high: float | None
    verdict: Verdict
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """
    What came of it all. `turns` are as they were taken, the two warm-up turns left out.

    `source` says in words what the lab's data were. `in_memory`: they lay there, where a sync costs
    nothing. `left_out` is what was to be tried, and could not be.
    """

    engine: str
    version: str
    source: str
    in_memory: bool
    changes: tuple[Change, ...]
    left_out: tuple[LeftOut, ...]
    takes: Takes
    restarts: int
    plan: TrialPlan
    lines: tuple[Line, ...]
    turns: tuple[Turn, ...]
    took_s: float

    @property
    def says_nothing(self) -> bool:
        """Whether no verdict was reached at all."""
        return all(line.verdict == "unknown" for line in self.lines)

    @property
    def worse(self) -> tuple[str, ...]:
        """What got worse."""
        return tuple(line.measure for line in self.lines if line.verdict == "worse")

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return asdict(self)


def look(stand: Stand, wanted: Mapping[str, str] | Tryable) -> tuple[Change, ...]:
    """Return what makes `wanted`, or raise what `run` would of its names; nothing is changed."""
    return stand.resolve(wanted.wanted if isinstance(wanted, Tryable) else wanted)


def rehearse(stand: Stand, wanted: Mapping[str, str] | Tryable) -> None:
    """Raise what `run` would of names and values, by putting them and taking them back."""
    found = look(stand, wanted)
    if strongest(found) != "restart":  # which takes seconds: the first turn makes it
        stand.apply(found)
        stand.apply(())


def run(stand: Stand, wanted: Mapping[str, str] | Tryable, plan: TrialPlan, *, told: Told) -> Trial:
    """
    Try `wanted` on `stand` by `plan`; `told` hears where it is.

    Both variants place their orders on the same lab, in turn, so that what it has grown by weighs
    on both alike; each begins after a checkpoint, and after a restart where the settings take one.
    Raises `ConfigError` where the server refuses a value, does not start with it, or has it
    already; of advice, what the server has already is left out, and `Finding` raised where nothing
    else is there. What is applied at the end stays: the lab goes.
    """
    began = time.monotonic()
    changes, left_out = _resolved(stand, wanted)
    takes = strongest(changes)
    turns: list[Turn] = []
    order = (*_WARMUPS, *plan.turns)
    for number, variant in enumerate(order, 1):
        stand.apply(changes if variant == "after" else (), restart=takes == "restart")
        in_force = stand.in_force([each.name for each in changes])
        if number == 1:
            _check_moved(changes, in_force)
        here = Moment(number, len(order), variant)
        told(here)
        stand.settle()
        found = load.measure(
            stand.target,
            seconds=plan.seconds,
            clients=plan.clients,
            seed=plan.seed,
            warmup_s=plan.warmup_s,
            progress=heard(here, told),
        )
        turns.append(Turn(variant=variant, in_force=in_force, load=found))
    measured = turns[len(_WARMUPS) :]
    return Trial(
        engine=stand.lab.engine,
        version=stand.lab.version,
        source=stand.source,
        in_memory=stand.in_memory,
        changes=changes,
        left_out=left_out,
        takes=takes,
        restarts=plan.restarts(takes),
        plan=plan,
        lines=tuple(judged(measured, margin=plan.margin)),
        turns=tuple(measured),
        took_s=round(time.monotonic() - began, 1),
    )


def _resolved(
    stand: Stand, wanted: Mapping[str, str] | Tryable
) -> tuple[tuple[Change, ...], tuple[LeftOut, ...]]:
    """Return what makes `wanted`; of advice, which begins with the values of now, what it moves."""
    if not isinstance(wanted, Tryable):
        return stand.resolve(wanted), ()
    stand.begin_with(wanted.now)
    found = stand.resolve(wanted.wanted)
    stand.apply(found)
    in_force = stand.in_force([each.name for each in found])
    moved = tuple(each for each in found if in_force[each.name] != each.before)
    stand.apply(())
    same = [
        LeftOut(each.name, f"it is {each.before} here with it and without it")
        for each in found
        if each not in moved
    ]
    left_out = (*wanted.left_out, *same)
    if not moved:
        raise nothing_to_try(left_out)
    return moved, left_out


def nothing_to_try(left_out: Sequence[LeftOut]) -> Finding:
    """Return that no advice can be tried, and why."""
    said = "; ".join(f"{each.name}: {each.why}" for each in left_out)
    return Finding(
        f"there is no advice that can be tried{': ' if said else ''}{said}",
        hint="See what is advised: stockops settings advise --all",
    )


def _check_moved(changes: Sequence[Change], in_force: Mapping[str, str]) -> None:
    """Raise `ConfigError` where a change changed nothing: two equal variants are no trial."""
    for each in changes:
        if in_force[each.name] == each.before:
            raise ConfigError(
                f"{each.name} is {each.before} with {each.name}={each.value} and without it",
                hint="Take another value. What the lab or a session of stockops sets for itself "
                "cannot be tried.",
            )


def judged(turns: Sequence[Turn], *, margin: float) -> list[Line]:
    """Return what `turns` allow to say of each measure; below `margin` no difference is one."""
    loads = {
        variant: [turn.load for turn in turns if turn.variant == variant]
        for variant in ("before", "after")
    }
    fewest = min(turn.load.answers for turn in turns)
    lines = []
    for field, title, smaller in _MEASURES:
        before, after = ([getattr(each, field) for each in loads[v]] for v in ("before", "after"))
        found = trials.compare(before, after)
        verdict = found.verdict(smaller_is_better=smaller, margin=margin)
        note = ""
        if verdict == "unknown":
            note = "the interval reaches over the margin: take more rounds"
        if found.low is None:
            note = f"{found.pairs} pairs are too few: take --rounds 2 or more"
        needed = _ANSWERS_MIN.get(field, 0)
        if fewest < needed:
            verdict, note = "unknown", f"a turn of {fewest} answers carries no {title[:3]}"
        lines.append(
            Line(
                measure=title,
                before=geometric(before),
                after=geometric(after),
                ratio=found.ratio,
                low=found.low,
                high=found.high,
                verdict=verdict,
                note=note,
            )
        )
    return lines


def geometric(values: Sequence[float]) -> float:
    """Return the geometric mean, of which ratios are the ratios of means."""
    return exp(fmean(map(log, values))) if min(values) > 0 else 0.0
