"""One look at one target: its checks, what takes its time, and who blocks whom."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from .. import health, sessions
from ..errors import StockopsError
from ..exporter import Watch
from ..health import Check, Outcome, Report
from ..notices.notice import redacted
from ..slow import live
from ..slow.live import ClassRow, Interval
from ..slow.live.rows import BlockingRow
from ..targets import Config, Target

WHO = "page"  # counters sampled for the page are not those of other runs
INTERVAL_S = 3.0
STATEMENTS_MAX = 10
BLOCKING_MAX = 30
TEXT_CHARACTERS_MAX = 300
BOUNDS = health.Bounds(connect_s=2.0, lock_s=0.5, fast_s=3.0, slow_s=10.0, all_s=45.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSeen:
    """A check as it was seen last; `states` and `values` are those of the looks before, too."""

    name: str
    group: str
    title: str
    state: str
    message: str
    command: str
    states: tuple[str, ...] = ()
    values: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetSeen:
    """
    A target as it was seen at `at_s`.

    `reason` is ``ok``, why there is no session, or ``not yet``, ``paused`` or ``busy`` where nobody
    looked. `note` says why there are no statements.
    """

    name: str
    engine: str
    reason: str
    at_s: float | None = None
    took_s: float = 0.0
    checks: tuple[CheckSeen, ...] = ()
    statements: tuple[ClassRow, ...] = ()
    blocking: tuple[BlockingRow, ...] = ()
    interval_s: float = 0.0
    note: str = ""

    @property
    def state(self) -> str:
        """The worst of its checks."""
        states = [health.State[check.state] for check in self.checks]
        return health.worst(states).name


@dataclass(slots=True)
class _Now:
    statements: list[ClassRow] = field(default_factory=list)
    blocking: list[BlockingRow] = field(default_factory=list)
    interval_s: float = 0.0
    note: str = ""


def look(watch: Watch, checks: Sequence[Check], config: Config) -> TargetSeen:
    """Return how the target of `watch` is; it takes one of its few places for a session."""
    began = time.monotonic()
    with watch.guest() as (target, why_not):
        if target is None:
            return TargetSeen(name=watch.name, engine=watch.engine, reason=why_not)
        asked = [check for check in checks if health.why_not(check, target.engine) is None]
        report = health.run(target, asked, config=config, bounds=BOUNDS, who=WHO)
        now = _now(target) if report.reason == "ok" else _Now()
    return TargetSeen(
        name=watch.name,
        engine=watch.engine,
        reason=report.reason,
        at_s=report.at.timestamp(),
        took_s=time.monotonic() - began,
        checks=tuple(_check(each, report) for each in report.outcomes),
        statements=tuple(now.statements[:STATEMENTS_MAX]),
        blocking=tuple(now.blocking[:BLOCKING_MAX]),
        interval_s=now.interval_s,
        note=now.note,
    )


def _check(outcome: Outcome, report: Report) -> CheckSeen:
    check = outcome.check
    value = next((each.value for each in outcome.readings), None)
    return CheckSeen(
        name=check.name,
        group=check.group,
        title=check.title,
        state=outcome.state.name,
        message=redacted(outcome.message),
        command=check.next.replace("{target}", report.target),
        states=(outcome.state.name,),
        values=(value,),
    )


def _now(target: Target) -> _Now:
    """Return what takes the time of `target` now; where nothing counts it, who blocks whom."""
    try:
        with live.opened(target) as server:
            try:
                interval = next(live.watch(server, interval_s=INTERVAL_S))
            except StockopsError as exc:
                said = redacted(f"{exc}. {exc.hint or ''}".strip())
                return _Now(blocking=_blocking(sessions.look(server)), note=said)
    except StockopsError as exc:
        return _Now(note=redacted(str(exc)))
    return _of(interval)


def _of(interval: Interval) -> _Now:
    return _Now(
        statements=interval.classes,
        blocking=interval.blocking,
        interval_s=interval.length_s,
        note="; ".join(interval.problems),
    )


def _blocking(
    found: tuple[list[sessions.SessionRow], list[sessions.WaitRow]],
) -> list[BlockingRow]:
    rows, waits = found
    return [live.rows.blocking_row(branch) for branch in sessions.forest(waits, rows)]
