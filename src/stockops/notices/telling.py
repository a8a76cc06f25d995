"""Tell the channels what changed on a target, and remember what each of them was told."""

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import quote

from .. import filelock, state
from ..errors import Busy
from . import deciding
from .channels import RESOLVED_KEPT_S, Alertmanager, Channel
from .deciding import Memory
from .notice import Kind, Notice, Sighting
from .sending import CHANNEL_S, Delivery, send
from .settings import Settings

FOLDER = "notices"
WAIT_S = CHANNEL_S + 2  # for another run that is telling
POLL_S = 0.1
NAME_CHARACTERS_MAX = 100


def tell(
    settings: Settings, sightings: Sequence[Sighting], *, target: str, now_s: float | None = None
) -> tuple[Delivery, ...]:
    """
    Tell each channel what it has not been told yet about the checks in `sightings` on `target`.

    Returns what became of each channel that had something to hear. A channel that failed hears of
    it at the next run. Killed after it was sent and before that was remembered, it is told again.
    """
    now_s = time.time() if now_s is None else now_s
    path = state.folder(FOLDER) / f"{file_name(target)}.json"
    with _alone(path.with_suffix(".lock")):
        memories = deciding.from_json(state.read(path), channels=[*settings.channels])
        for sighting in sightings:
            known = memories.get(sighting.name)
            memories[sighting.name] = deciding.remember(
                known, sighting, settings.policy, now_s=now_s
            )
        errands = {
            name: notices
            for name, channel in settings.channels.items()
            if (notices := _for(channel, settings, sightings, memories, (target, now_s)))
        }
        deliveries = send(errands, settings.channels)
        for delivery in deliveries:
            if delivery.is_delivered:
                least = settings.channels[delivery.channel].envelope.least
                for notice in errands[delivery.channel]:
                    memories[notice.name] = deciding.marked(
                        memories[notice.name], delivery.channel, least=least, now_s=now_s
                    )
        state.write(path, deciding.to_json(memories))
    return deliveries


def _for(
    channel: Channel,
    settings: Settings,
    sightings: Sequence[Sighting],
    memories: Mapping[str, Memory],
    place: tuple[str, float],
) -> list[Notice]:
    """Return what `channel` is to hear now of `sightings` on the target, at the time `place`."""
    target, now_s = place
    envelope = channel.envelope
    if not any(fnmatchcase(target, pattern) for pattern in envelope.targets):
        return []
    at = datetime.fromtimestamp(now_s, UTC)
    found = []
    for sighting in sightings:
        if deciding.is_silent(settings.policy, target=target, check=sighting.name, at=at):
            continue
        memory = memories[sighting.name]
        kind = deciding.due(
            memory,
            envelope.name,
            least=envelope.least,
            policy=settings.policy,
            now_s=now_s,
        )
        if isinstance(channel, Alertmanager):
            kind = _again(memory, envelope.name, kind, now_s)
        if kind is not None:
            found.append(deciding.notice(kind, sighting, memory, target=target, now_s=now_s))
    return found


def _again(memory: Memory, channel: str, kind: Kind | None, now_s: float) -> Kind | None:
    """Return what Alertmanager is to hear: it damps and repeats itself, and forgets."""
    told = memory.told.get(channel)
    if kind == "recovered" or memory.state == "OK":
        is_fresh = told is not None and now_s - memory.since_s < RESOLVED_KEPT_S
        return "recovered" if kind == "recovered" or is_fresh else None
    return "problem"


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Hold `lock` for the block; wait for another run that has it, which is soon done."""
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            with filelock.hold(lock, what="the memory of what was told"):
                yield
                return
        except Busy:
            if time.monotonic() >= deadline:
                raise
        time.sleep(POLL_S)


def file_name(target: str) -> str:
    """Return `target`, which may be a URL, as the name of a file."""
    name = quote(target, safe=" @").replace("%", "_").lstrip(".")
    if name == target and len(name) <= NAME_CHARACTERS_MAX:
        return name
    return f"{name[:NAME_CHARACTERS_MAX]}-{hashlib.sha256(target.encode()).hexdigest()[:8]}"
