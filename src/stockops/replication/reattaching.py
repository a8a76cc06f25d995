"""Have a server follow the one that took over, and say what it held that nobody else has."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from .. import lab as labs
from .. import state
from ..errors import ConfigError, Refused, ServerError, Unreachable
from ..lab import Lab
from ..lab import account as accounts
from ..lab.servers import REPLAY_S
from ..plan import Step
from .engines import ENGINES
from .facts import Lost
from .making import FOLLOW_S, holding, rebuild, rebuild_steps, require_primary

How = Literal["follow", "rewind", "rebuild", "go on"]
Seen = Callable[[str], None]
_REWINDING = "rewinding"  # in a lab whose data are half of one server and half of another


@dataclass(frozen=True, slots=True, kw_only=True)
class Reattachment:
    """What would be done to make `lab` follow `primary`; `lost` is what that drops."""

    lab: Lab
    primary: Lab
    how: How
    lost: Lost
    steps: Sequence[Step]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reattached:
    """What came of it; `kept` is a file with the dropped transactions, where there is one."""

    replica: str
    primary: str
    how: How
    took_s: float
    dropped_transactions: int | None
    dropped_rows: int | None
    dropped: str
    kept: str


def plan(name: str, *, to: str | None = None) -> Reattachment:
    """Look at what the lab `name` holds that the primary `to`, or who took over, has not."""
    lab = labs.require(name)
    named = to or lab.replaced_by or lab.replica_of
    if named is None or named == name:
        raise ConfigError(
            f"nobody took over from the lab {name!r}, and it follows nobody",
            hint=f"Name whom it is to follow: stockops replica reattach --name {name} --to LAB",
        )
    other = labs.require(named)
    if lab.replaced_by == named and other.replica_of == name:
        return _unfinished(lab, other)
    primary = require_primary(named)
    if primary.engine != lab.engine:
        raise ConfigError(f"{name!r} is {lab.engine}, and {named!r} is {primary.engine}")
    ENGINES[lab.engine].source(primary, None)
    lost = ENGINES[lab.engine].lost(lab, primary)
    how = _how(lab, lost)
    return Reattachment(
        lab=lab, primary=primary, how=how, lost=lost, steps=_steps(lab, primary, how, lost)
    )


def reattach(
    found: Reattachment,
    *,
    via: int | None = None,
    outlives: bool = False,
    seen: Seen = lambda _: None,
) -> Reattached:
    """
    Do it, and return when the lab follows; `via` is a port that leads to the primary's.

    Raises `Refused` where the lab went on writing since it was looked at.
    """
    lab, primary, began = found.lab, found.primary, time.monotonic()
    engine, lost = ENGINES[lab.engine], found.lost
    with holding(lab, primary if found.how != "go on" else None):
        if found.how == "go on":
            labs.note(replace(lab, replaced_by=None))
            if lab.pid is None:
                labs.start(lab, outlives=outlives)
            return _done(found, lost, began)
        if labs.stop(lab) and found.how != "rebuild":
            lost = engine.lost(lab, primary)
            if lost.parted and found.how == "follow":
                raise Refused(
                    f"{lab.name!r} has written since: {lost}",
                    hint=f"Look again: stockops replica reattach --name {lab.name} --plan",
                )
        if found.how == "rebuild":
            return _rebuilt(found, lost, began, via=via, outlives=outlives, seen=seen)
        engine.expect(lab.name, primary)
        source = engine.source(primary, via)
        if found.how == "rewind" and engine.rewind is not None:
            seen("taking out what the primary never got")
            (lab.directory / _REWINDING).touch()
            account = accounts.choose(labs.ENGINES[lab.engine].usual_account)
            try:
                engine.rewind(lab, source, account)
            except ServerError:  # its own log does not reach back to where the two were one
                anew = replace(found, how="rebuild")
                return _rebuilt(anew, lost, began, via=via, outlives=outlives, seen=seen)
        engine.follow(lab, source)
        (lab.directory / _REWINDING).unlink(missing_ok=True)
        seen("starting it")
        labs.note(replace(lab, replica_of=primary.name, replaced_by=None))
        started = labs.start(lab, port=engine.port, outlives=outlives, within_s=REPLAY_S)
        engine.resume(started, source, within_s=FOLLOW_S)
    return _done(found, lost, began)


def _rebuilt(
    found: Reattachment,
    lost: Lost,
    began: float,
    *,
    via: int | None,
    outlives: bool,
    seen: Seen,
) -> Reattached:
    """Make the data anew; what goes with them is written down where its log is text."""
    lost = _kept(found.lab, found.primary, lost)
    seen("copying the primary")
    rebuild(found.lab, found.primary, via=via, outlives=outlives)
    return _done(found, lost, began)


def _how(lab: Lab, lost: Lost) -> How:
    if (lab.directory / _REWINDING).exists():
        return "rebuild"
    if not lost.parted:
        return "follow"
    return "rewind" if ENGINES[lab.engine].rewind and not lost.unread else "rebuild"


def _steps(lab: Lab, primary: Lab, how: How, lost: Lost) -> list[Step]:
    if how == "rebuild":
        steps = rebuild_steps(lab, primary)
        why = f"{steps[-1].why}; what they hold and {primary.name} has not: {lost}"
        return [*steps[:-1], replace(steps[-1], why=why)]
    steps = []
    if lab.pid is not None:
        steps.append(Step(f"stop {lab.name}", "its data are changed", lock="exclusive"))
    if how == "rewind":
        why = f"what {primary.name} never got goes out of its data: {lost}"
        steps.append(Step(f"pg_rewind {lab.name}", why, destroys=True))
    return [
        *steps,
        Step(f"set {lab.name} to follow {primary.name}", "it takes no writes from then on"),
        Step(f"start {lab.name}", f"it gets what {primary.name} wrote meanwhile"),
    ]


def _unfinished(lab: Lab, replica: Lab) -> Reattachment:
    """Return how `lab` goes on as the primary it was, as `replica` never took over."""
    if replica.pid is None:
        raise Unreachable(
            f"whether {replica.name!r} took over from {lab.name!r}, only that can tell, and it is "
            f"{replica.state}",
            hint=f"stockops lab up --name {replica.name}",
        )
    if not ENGINES[lab.engine].is_replica(replica):
        raise Refused(
            f"{replica.name!r} takes writes, and its promotion was interrupted",
            hint=f"Finish it: stockops replica promote --name {replica.name}",
        )
    why = f"{replica.name} was to take over and never did: it is still a replica"
    step = Step(f"start {lab.name} as the primary it was", why)
    return Reattachment(lab=lab, primary=lab, how="go on", lost=Lost(), steps=[step])


def _kept(lab: Lab, primary: Lab, lost: Lost) -> Lost:
    """Write down what goes with the data, where its log is text."""
    if not lost.transactions:
        return lost
    name = f"{lab.name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.sql"
    return ENGINES[lab.engine].lost(lab, primary, keep=Path(state.folder("replica")) / name)


def _done(found: Reattachment, lost: Lost, began: float) -> Reattached:
    return Reattached(
        replica=found.lab.name,
        primary=found.primary.name,
        how=found.how,
        took_s=round(time.monotonic() - began, 3),
        dropped_transactions=None if lost.unread else lost.transactions,
        dropped_rows=None if lost.unread else sum(lost.rows.values()),
        dropped=str(lost),
        kept=str(lost.kept or ""),
    )
