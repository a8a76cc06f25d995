"""Ask checks of one server: one session, each check bounded, each by itself."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from .. import queries, sessions, sqlscripts
from ..engine import open_server
from ..engine.base import Server
from ..engine.hanging import ANSWER_HUNG
from ..engine.reasons import Reason, reason_of
from ..errors import ConfigError, Fault, ServerError, StockopsError, Unsupported
from ..targets import Config, Target
from . import hearing, judging, probes, rates, registry
from .check import Check
from .hearing import Ear, listening
from .outcome import Outcome, Reading, Report, State
from .rates import Memory

REACHABLE = "reachable"  # the check that every run makes: that there is a session
READINGS_MAX = 200  # of one check; more is a list, not a check
_GRACE_S = 2.0  # what the server's own limit may be late before the line is cut
_TIMED_OUT = {"57014", "1969"}
_HANGS_MAX = 2  # times that a way hangs before the rest is not asked any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """
    What a run may take: for a session, a lock, a check of each lane, and all in all.

    A server that has been silent for `silent_s` is asked after over another session.
    """

    connect_s: float = 5.0
    silent_s: float = hearing.SILENT_S
    lock_s: float = 1.0
    fast_s: float = 5.0
    slow_s: float = 30.0
    all_s: float = 120.0

    def of(self, check: Check) -> float:
        """Return the limit of `check`."""
        return self.fast_s if check.lane == "fast" else self.slow_s


@dataclass(slots=True, kw_only=True)
class Run:
    """
    What the checks of one run share; `who` is whose samples of counters these are.

    `ear` is what was heard of the session in the last check, `hung` why its line was cut, each time
    that it was.
    """

    target: Target
    config: Config = field(default_factory=Config)
    bounds: Bounds = field(default_factory=Bounds)
    who: str = "check"
    seen: Callable[[Outcome], None] = lambda _: None
    memory: Memory = field(default_factory=Memory)
    server: Server | None = None
    ear: Ear | None = None
    hung: list[str] = field(default_factory=list)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    ends_at: float = 0.0

    def __post_init__(self) -> None:
        """Begin: from now on its time runs."""
        self.ends_at = time.monotonic() + self.bounds.all_s


def run(
    target: Target,
    checks: Sequence[Check],
    *,
    config: Config | None = None,
    bounds: Bounds | None = None,
    who: str = "check",
    seen: Callable[[Outcome], None] = lambda _: None,
) -> Report:
    """
    Return what became of `checks` on `target`; nothing is raised for a server that is not there.

    The first outcome is that of `REACHABLE`, made in any case. Where there is no session it is
    CRITICAL with a reason, and only what needs none is asked. A check that fails, by an error, a
    lock or its limit, is UNKNOWN by itself. `seen` is told each outcome as it comes.
    """
    going = Run(
        target=target, config=config or Config(), bounds=bounds or Bounds(), who=who, seen=seen
    )
    going.memory = rates.recall(target, who=who)
    return _report(going, checks, *_reach(going, checks))


def run_barred(
    target: Target,
    checks: Sequence[Check],
    *,
    why: StockopsError,
    config: Config | None = None,
    seen: Callable[[Outcome], None] = lambda _: None,
) -> Report:
    """Return what `run` would of a `target` that is known to be down, as `why` says: none asks."""
    going = Run(target=target, config=config or Config(), seen=seen)
    return _report(going, checks, *_not_reached(checks, why))


def _report(going: Run, checks: Sequence[Check], first: Outcome, reason: Reason) -> Report:
    """Return what becomes of `checks`, after the `first` one, which tells of the session."""
    going.seen(first)
    target = going.target
    try:
        outcomes = [first, *ask(going, [c for c in checks if c.name != REACHABLE])]
    finally:
        if going.server:
            going.server.close()
    if going.server is None and reason == "ok":
        reason = "timeout" if going.hung else "lost"
        message = "the session was lost and there is no new one (lost)"
        if going.hung:
            message = f"the server stopped answering (timeout): {going.hung[-1]}. {ANSWER_HUNG}"
        outcomes[0] = replace(first, state=State.CRITICAL, message=message)
    rates.remember(going.memory, target, who=going.who)
    return Report(
        target=target.name,
        engine=target.engine,
        at=going.at,
        reason=reason,
        outcomes=tuple(outcomes),
    )


def ask(going: Run, checks: Sequence[Check]) -> list[Outcome]:
    """Return what became of `checks` in the session of `going`, which may be none."""
    outcomes, again = [], []
    for check in checks:
        outcome = _one(going, check)
        if outcome is None:
            continue
        if check.rate and outcome.state is State.UNKNOWN and check.name in going.memory.taken:
            again.append(check)
            continue
        outcomes.append(outcome)
        going.seen(outcome)
    for check in _after_a_while(going, again):
        outcome = _one(going, check)
        if outcome is not None:
            outcomes.append(outcome)
            going.seen(outcome)
    return outcomes


def _after_a_while(going: Run, checks: Sequence[Check]) -> Sequence[Check]:
    """Return `checks`, whose counters have no usable look before, once there is one of this run."""
    if checks:
        for check in checks:
            going.memory.before[check.name] = going.memory.taken[check.name]
        time.sleep(rates.WINDOW_S_MIN)
    return checks


def _reach(going: Run, checks: Sequence[Check]) -> tuple[Outcome, Reason]:
    """Open the session of `going`, and return what became of that."""
    started = time.monotonic()
    try:
        going.server = _open(going)
    except StockopsError as exc:
        return _not_reached(checks, exc, took_s=time.monotonic() - started)
    took_s = time.monotonic() - started
    return judging.judge(_reachable(checks), [Reading(value=took_s)], took_s=took_s), "ok"


def _not_reached(
    checks: Sequence[Check], exc: StockopsError, *, took_s: float = 0.0
) -> tuple[Outcome, Reason]:
    """Return that there is no session, and why."""
    reason = reason_of(exc)
    reason = "other" if reason == "ok" else reason
    message = f"no session ({reason}): {exc}"
    if reason == "timeout" and exc.hint:
        message += f". {exc.hint}"
    state = State.CRITICAL
    return Outcome(check=_reachable(checks), state=state, message=message, took_s=took_s), reason


def _reachable(checks: Sequence[Check]) -> Check:
    return next((c for c in checks if c.name == REACHABLE), None) or registry.reachable()


def _open(going: Run) -> Server:
    bounds = going.bounds
    server = open_server(
        going.target,
        lock_timeout_s=bounds.lock_s,
        connect_timeout_s=max(0.1, min(bounds.connect_s, going.ends_at - time.monotonic())),
        statement_timeout_s=bounds.fast_s,
        application="stockops health",
    )
    try:
        with listening(server, going.target, limit_s=bounds.connect_s, silent_s=bounds.silent_s):
            server.rows("SELECT 1 AS one")
    except StockopsError:
        server.close()
        raise
    return server


def _one(going: Run, check: Check) -> Outcome | None:
    """Return what became of `check`; None where the engine has no answer, or no session to ask."""
    probe = probes.PROBES[check.probe] if check.probe else None
    if going.server is None and (probe is None or probe.needs_server):
        return None
    started = time.monotonic()
    if started > going.ends_at:
        message = "not asked: the run has taken all its time"
        return Outcome(check=check, state=State.UNKNOWN, message=message)
    try:
        with _bounded(going, check):
            readings = _readings(going, check)
    except Unsupported:
        return None
    except StockopsError as exc:
        return _unknown(going, check, exc, took_s=time.monotonic() - started)
    except Exception as exc:  # one that has a bug, or met a file it did not expect, is one
        message = f"the check failed: {type(exc).__name__}: {exc}"
        took_s = time.monotonic() - started
        return Outcome(check=check, state=State.UNKNOWN, message=message, took_s=took_s)
    return _judged(going, check, readings, took_s=time.monotonic() - started)


def _judged(going: Run, check: Check, readings: Sequence[Reading], *, took_s: float) -> Outcome:
    """Return the outcome of `readings`, or of what they grew by since the look before."""
    if not check.rate:
        return judging.judge(check, readings, took_s=took_s)
    now = rates.sample(readings)
    before = going.memory.take(check, now)
    if before is None:
        message = "there is no look before this one to compare with"
        return Outcome(check=check, state=State.UNKNOWN, message=message, took_s=took_s)
    return judging.judge(check, rates.growth(check, readings, before, now), took_s=took_s)


def _unknown(going: Run, check: Check, exc: StockopsError, *, took_s: float) -> Outcome:
    """Return that `check` could not be made; take a new session for the rest where it is gone."""
    message = str(exc)
    if isinstance(exc, ServerError):
        if exc.code in _TIMED_OUT:
            message = f"it took longer than {going.bounds.of(check):g} s and was ended"
        elif exc.fault is Fault.DENIED:
            message = f"the role may not ask this: {message}"
        elif exc.fault is Fault.LOCKED:
            message = f"it met a lock that it did not wait for: {message}"
        elif exc.fault in {Fault.LOST, Fault.UNKNOWN}:
            if going.ear and going.ear.cut:
                message = f"no answer came, and the line was cut: {going.ear.cut}"
                going.hung.append(
                    f"{check.name!r} had no answer for {took_s:.1f} s, and {going.ear.cut}"
                )
            _again(going)
    return Outcome(check=check, state=State.UNKNOWN, message=message, took_s=took_s)


def _again(going: Run) -> None:
    """Take a new session in place of the one that was lost; none where there is none to be had."""
    if going.server:
        going.server.close()
    going.server = None
    is_dead = going.ear is not None and going.ear.is_dead
    if time.monotonic() < going.ends_at and not is_dead and len(going.hung) < _HANGS_MAX:
        try:
            going.server = _open(going)
        except StockopsError:
            going.server = None


@contextmanager
def _bounded(going: Run, check: Check) -> Iterator[None]:
    """Bound what is done in the block: by the server, and by cutting the line where it is stuck."""
    server = going.server
    if server is None:
        yield
        return
    limit_s = going.bounds.of(check)
    left_s = max(0.1, going.ends_at - time.monotonic())
    bound_s, silent_s = min(limit_s, left_s) + _GRACE_S, going.bounds.silent_s
    with (
        listening(server, going.target, limit_s=bound_s, silent_s=silent_s) as going.ear,
        server.transaction(read_only=True),
    ):
        limit_ms = round(1000 * min(limit_s, left_s))
        sql = queries.text(server.engine, "watching/session", server.version[0])
        server.execute(sql, {"limit_ms": limit_ms})
        yield


def _readings(going: Run, check: Check) -> list[Reading]:
    if check.needs == "sessions" and going.server is not None:
        sessions.require_seen(going.server)
    if check.probe:
        context = probes.Context(
            target=going.target, config=going.config, server=going.server, now=datetime.now(UTC)
        )
        return list(probes.PROBES[check.probe].ask(context))[:READINGS_MAX]
    server = going.server
    if server is None:
        return []
    sql = registry.sql(check, server.engine, server.version[0])
    if check.home is not None:
        _explain(server, check, sql)
    return [_reading(row) for row in server.rows(sql, {})[:READINGS_MAX]]


def _explain(server: Server, check: Check, sql: str) -> None:
    """Raise where `sql`, which a user wrote, is not one statement that reads."""
    found = sqlscripts.split(server.engine, sql, name=f"{check.question}.sql")
    if len(found) != 1:
        raise ConfigError(f"the SQL of {check.name!r} is {len(found)} statements, and may be one")
    server.rows(f"EXPLAIN {found[0].text}", {})


def _reading(row: Mapping[str, Any]) -> Reading:
    if "value" not in row:
        raise ConfigError(f"its SQL gives no column 'value' but {', '.join(row)}")
    return Reading(
        subject=str(row.get("subject") or ""),
        value=_number(row["value"], "value"),
        allowed=_number(row.get("allowed"), "allowed"),
        detail=str(row.get("detail") or ""),
    )


def _number(value: Any, column: str) -> float | None:
    if value is None:
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ConfigError(f"its column {column!r} is not a number: {value!r}") from None
