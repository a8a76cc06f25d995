"""Let a replica take over; its primary is fenced first: two that take writes are the worst."""

import json
import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Literal

from .. import children, disk, numbering
from .. import lab as labs
from ..engine import connect
from ..errors import ConfigError, Refused, StockopsError, Unreachable
from ..lab import Lab, proc
from ..plan import Step
from .engines import ENGINES
from .facts import Lost
from .making import holding
from .postgresql import CONNECT_S
from .status import target_of

LOST = "lost.json"  # in the directory of the lab that took over
APPLY_S = 600.0  # of log that was received and not applied yet
KILL_S = 30.0

Seen = Callable[[str], None]
Primary = Literal["gone", "down", "silent", "answers"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """What a promotion would do; the replica is up."""

    replica: Lab
    primary: Lab | None
    found: Primary  # "silent": its processes are there, and it does not answer
    steps: Sequence[Step]


@dataclass(frozen=True, slots=True, kw_only=True)
class Promoted:
    """
    What came of a promotion. `position` is where the new primary stands.

    `lost_transactions` is None where nobody can tell; `lost` says it in words.
    """

    replica: str
    replaced: str
    position: str
    took_s: float
    lost_transactions: int | None
    lost_rows: int | None
    lost: str
    next: str


def plan(name: str) -> Handover:
    """
    Look at the replica `name` and its primary.

    `Refused` where it is no replica, and where it does not follow a primary that answers.
    """
    replica = labs.require(name)
    if replica.replica_of is None:
        raise Refused(
            f"the lab {name!r} is no replica",
            hint=f"Its replicas: stockops replica status -t {name}; all labs: stockops lab status",
        )
    if replica.pid is None:
        raise Unreachable(
            f"the replica {name!r} is {replica.state}", hint=f"stockops lab up --name {name}"
        )
    primary = labs.read(replica.replica_of)
    found = _found(primary)
    handover = Handover(
        replica=replica, primary=primary, found=found, steps=_steps(replica, primary, found)
    )
    if found == "answers":  # before anybody is told that --yes would do it
        _require_following(handover)
    return handover


def check(handover: Handover, *, yes: bool) -> None:
    """Raise `Refused` where the primary answers and nobody said that it may be stopped."""
    if handover.found == "answers" and not yes:
        name, of = handover.replica.name, handover.replica.replica_of
        raise Refused(
            f"the primary {of!r} answers: beside {name!r} it would go on taking writes",
            hint="With --yes it is stopped in good order first, and nothing is lost: stockops "
            f"replica promote --name {name} --yes",
        )


def promote(handover: Handover, *, seen: Seen = lambda _: None) -> Promoted:
    """
    Fence the primary, apply what was received, take writes, and prove it by one.

    Who is killed in between runs it again: each step finds what is done already. What was lost
    stays in a file of the lab's directory, for the desk that has to be told.
    """
    replica, primary = handover.replica, handover.primary
    engine, began = ENGINES[replica.engine], time.monotonic()
    with holding(replica, primary):
        if primary is not None:
            _fence(handover, primary, seen)
        seen("applying what was received")
        engine.drain(replica, within_s=APPLY_S)
        seen("opening it for writing")
        engine.promote(replica, within_s=APPLY_S)
        if handover.found != "answers":  # a primary that stopped in good order kept nothing back
            numbering.leave_gap(replica.engine, replica.url)
        position = engine.prove(replica)
        labs.note(replace(_now(replica), replica_of=None))
    took_s = round(time.monotonic() - began, 3)
    lost = _lost(replica, primary, seen)
    _keep(replica, lost)
    return Promoted(
        replica=replica.name,
        replaced=replica.replica_of or "",
        position=position,
        took_s=took_s,
        lost_transactions=None if lost.unread else lost.transactions,
        lost_rows=None if lost.unread else sum(lost.rows.values()),
        lost=str(lost),
        next=_next(replica, primary),
    )


def told(lab: Lab) -> Lost | None:
    """Return what the last promotion of `lab` counted as lost; None where it never took over."""
    try:
        said = json.loads((lab.directory / LOST).read_text("utf-8"))
    except FileNotFoundError:
        return None
    times = {key: datetime.fromisoformat(said[key]) for key in ("first_at", "last_at") if said[key]}
    return Lost(**{**said, **times})


def _keep(lab: Lab, lost: Lost) -> None:
    text = json.dumps(asdict(lost), indent=2, default=str)
    disk.write_whole(lab.directory / LOST, f"{text}\n".encode())


def _found(primary: Lab | None) -> Primary:
    if primary is None:
        return "gone"
    if primary.pid is None and not proc.inside(primary.data):
        return "down"
    try:
        with connect(
            target_of(primary), connect_timeout_s=CONNECT_S, statement_timeout_s=CONNECT_S
        ) as server:
            server.rows("SELECT 1 AS n")
    except (StockopsError, ConfigError):
        return "silent"
    return "answers"


def _steps(replica: Lab, primary: Lab | None, found: Primary) -> list[Step]:
    steps = []
    if primary is not None:
        why = f"it must not come up beside {replica.name} and take writes"
        steps.append(Step(f"mark {primary.name} as replaced", why))
    if primary is not None and found == "answers":
        why = f"it answers: what {replica.name} has not got yet, it gets before"
        steps.append(Step(f"stop {primary.name} in good order", why, lock="exclusive"))
    if primary is not None and found == "silent":
        pids = " ".join(map(str, proc.inside(primary.data)))
        why = "it does not answer, and could wake up and take writes"
        steps.append(Step(f"kill -9 {pids}", why, lock="exclusive"))
    wait = "what it received is applied first; what it never received is not in it"
    steps += [
        Step(f"wait until {replica.name} has applied its log", wait),
        Step(f"promote {replica.name}", "from now on it takes writes, and follows nobody"),
    ]
    if found != "answers":
        why = "the numbers of what is lost are not given again"
        numbered = "orders, conditions, predictions and messages"
        steps.append(Step(f"leave out {numbering.GAP_IDS:,} numbers of {numbered}", why))
    return [*steps, Step("commit a write that leaves nothing", "that it takes writes is proven")]


def _fence(handover: Handover, primary: Lab, seen: Seen) -> None:
    engine = ENGINES[primary.engine]
    labs.note(replace(_now(primary), replaced_by=handover.replica.name))
    if handover.found == "answers":
        seen(f"stopping {primary.name} in good order")
        try:
            _require_following(handover)
            engine.hold_writes(primary, handover.replica, within_s=APPLY_S)
        except BaseException:
            if primary.pid is not None:  # it goes on: nobody took over
                labs.note(replace(_now(primary), replaced_by=None))
            raise
    elif handover.found == "silent":
        seen(f"killing {primary.name}")
        _kill(primary)


def _require_following(handover: Handover) -> None:
    replica = handover.replica
    found = ENGINES[replica.engine].look(target_of(replica), replica, handover.primary)
    if found is None or found.state != "following":
        reason = found.reason if found else "it follows nobody"
        raise Refused(
            f"{replica.name!r} does not follow ({reason}): what its primary committed since would "
            "be lost, and that answers",
            hint=f"Mend it first: stockops replica status -t {replica.name}; or stop the primary: "
            f"stockops lab down --name {replica.replica_of}",
        )


def _kill(lab: Lab) -> None:
    def gone() -> bool:
        for pid in proc.inside(lab.data):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not proc.inside(lab.data)

    if not children.wait_until(gone, within_s=KILL_S):
        raise children.failed(f"processes of the lab {lab.name!r} stay", lab.log_path)


def _now(lab: Lab) -> Lab:
    """Return `lab` as its marker says by now: its port may be another one."""
    return labs.read(lab.name) or lab


def _lost(replica: Lab, primary: Lab | None, seen: Seen) -> Lost:
    if primary is None:
        return Lost(unread="the data of its primary are gone")
    seen("counting what it never received")
    return ENGINES[replica.engine].lost(primary, replica)


def _next(replica: Lab, primary: Lab | None) -> str:
    others = [each.name for each in labs.replicas_of(replica.replica_of or "")]
    waiting = [*([primary.name] if primary else []), *(each for each in others)]
    commands = (
        f"stockops replica reattach --name {name} --to {replica.name} --plan" for name in waiting
    )
    return "; ".join(commands)
