"""
Which notices are due: pure, so that every rule of it can be tried without a clock.

A check that is not OK is believed after so many runs in a row, an OK at once. Each channel
remembers by itself what it has told, so that a channel that failed tells it the next time, and the
others do not tell it twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from .notice import SEVERITY, Kind, Notice, Sighting, State
from .windows import Window

CHANGES_KEPT = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """
    When to tell: every `remind_s` again (0: never), after so many runs in a row.

    Who changed `flapping_changes` times within `flapping_s` is flapping (0: never said).
    """

    remind_s: int = 4 * 3600
    after_runs: int = 1
    flapping_changes: int = 6
    flapping_s: int = 3600
    windows: tuple[Window, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one channel said last of one check: the state, that it flaps, when, and since when."""

    state: State
    at_s: float
    is_flapping: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """
    What is remembered of one check on one target.

    `state` is believed since `since_s`, and was `was` before. `seen` came `runs` times in a row.
    """

    state: State = "OK"
    since_s: float = 0.0
    was: State = "OK"
    seen: State = "OK"
    runs: int = 0
    changes_s: tuple[float, ...] = ()
    is_flapping: bool = False
    told: Mapping[str, Told] = field(default_factory=dict)


def remember(known: Memory | None, sighting: Sighting, policy: Policy, *, now_s: float) -> Memory:
    """Return what is known after `sighting`: what is believed, and whether it flaps."""
    before = known or Memory(since_s=now_s)
    runs = before.runs + 1 if sighting.state == before.seen else 1
    seen = replace(before, seen=sighting.state, runs=min(runs, policy.after_runs))
    is_new = sighting.state != before.state
    if is_new and (sighting.state == "OK" or runs >= policy.after_runs or before.state != "OK"):
        changes = (*before.changes_s, now_s)[-CHANGES_KEPT:]
        seen = replace(
            seen, state=sighting.state, was=before.state, since_s=now_s, changes_s=changes
        )
    recent = tuple(at for at in seen.changes_s if now_s - at < policy.flapping_s)
    limit = policy.flapping_changes
    # It flaps until it changed half as often: otherwise being told so would flap, too.
    flapping = limit > 0 and len(recent) >= (limit / 2 if before.is_flapping else limit)
    return replace(seen, changes_s=recent, is_flapping=flapping)


def due(memory: Memory, channel: str, *, least: State, policy: Policy, now_s: float) -> Kind | None:
    """Return what `channel`, which hears of `least` and worse, is to say of a check now."""
    told = memory.told.get(channel)
    is_old = told is not None and 0 < policy.remind_s <= now_s - told.at_s
    if memory.is_flapping:
        return "flapping" if told is None or not told.is_flapping or is_old else None
    now = heard(memory.state, least)
    if now != (told.state if told else "OK") or (told and told.is_flapping):
        return "recovered" if now == "OK" else "problem"
    return "reminder" if now != "OK" and is_old else None


def heard(state: State, least: State) -> State:
    """Return `state` as one hears it who wants to know of `least` and worse only."""
    return state if SEVERITY[state] >= SEVERITY[least] else "OK"


def is_silent(policy: Policy, *, target: str, check: str, at: datetime) -> bool:
    """Tell whether a window of maintenance is open for `check` on `target`."""
    return any(window.covers(target, check, at) for window in policy.windows)


def marked(memory: Memory, channel: str, *, least: State, now_s: float) -> Memory:
    """Return `memory` after `channel` has told its state."""
    state = heard(memory.state, least)
    told = Told(state=state, at_s=now_s, is_flapping=memory.is_flapping)
    return replace(memory, told={**memory.told, channel: told})


def notice(kind: Kind, sighting: Sighting, memory: Memory, *, target: str, now_s: float) -> Notice:
    """Return the notice of `sighting`, which was remembered as `memory`."""
    return Notice(
        kind=kind,
        target=target,
        name=sighting.name,
        state=memory.state,
        was=memory.was,
        title=sighting.title,
        message=sighting.message,
        since=datetime.fromtimestamp(memory.since_s, UTC),
        at=datetime.fromtimestamp(now_s, UTC),
        runbook=sighting.runbook,
        command=sighting.command,
    )


def to_json(memories: Mapping[str, Memory]) -> dict[str, Any]:
    """Return `memories` as JSON keeps them."""
    return {name: asdict(memory) for name, memory in memories.items()}


def from_json(kept: Any, *, channels: Sequence[str]) -> dict[str, Memory]:
    """Return what `to_json` gave; what it says of channels that are gone is forgotten."""
    found = {}
    for name, each in (kept or {}).items():
        told = {
            channel: Told(**said) for channel, said in each["told"].items() if channel in channels
        }
        changes = tuple(each["changes_s"])
        found[name] = Memory(**{**each, "told": told, "changes_s": changes})
    return found
