"""
Have the database compute what the prices have and the indicators lack.

The routine ``compute_indicators`` does a range of issues in one transaction. Ranges of some fifty
thousand days go to several sessions at a time: the windows of one stay in memory, a second core is
put to use, and whoever is killed has lost one range, which the next run computes.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import date

from .. import advisory, queries
from ..engine import connect
from ..engine.base import Server
from ..errors import Fault, ServerError
from ..plan import Step
from ..targets import Target
from .questions import LACKING, Lacking

JOBS = 2
_SLICE_DAYS = 50_000
_READ_BEFORE_DAYS = 199  # what the longest window reads of the days before
_TRIES = 3
_APPLICATION = "stockops indicators"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Neighbouring issues that one call computes."""

    first: str
    last: str
    issues: int
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """What a run computed: `days` rows of `issues`."""

    issues: int
    days: int
    elapsed_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How many days are computed, of how many."""

    days_done: int
    days_total: int
    elapsed_s: float


def lacking(server: Server, *, since: date | None = None) -> list[Lacking]:
    """Return the issues that have days to compute; those from `since` on are computed anew."""
    return server.fetch(LACKING, since=since)


def steps(found: Sequence[Lacking], *, since: date | None = None) -> list[Step]:
    """Return what `compute` would do with what is lacking."""
    each = list(_slices(found))
    said = [] if since is None else [f"drop the indicators from {since} on"]
    return [
        Step(
            action=" and ".join([*said, f"compute {part.days:,} days of {part.issues} issues"]),
            why=f"{part.first} to {part.last}, range {number} of {len(each)}, one transaction",
        )
        for number, part in enumerate(each, 1)
    ]


def compute(
    target: Target,
    *,
    since: date | None = None,
    jobs: int = JOBS,
    watch: Callable[[Progress], None] = lambda _: None,
) -> Computed:
    """
    Compute what is lacking, in `jobs` sessions; from `since` on anew.

    Raises `Busy` where another run is at it. Interrupted, it lets the ranges end that are being
    computed, and starts no other.
    """
    began = time.monotonic()
    with (
        connect(target, application=_APPLICATION) as server,
        advisory.alone(server, "computation of indicators", wait_s=0),
    ):
        found = lacking(server, since=since)
        total, done = sum(each.days for each in found), 0
        with ThreadPoolExecutor(jobs) as pool:
            waiting = [pool.submit(_computed, target, part, since) for part in _slices(found)]
            try:
                for days in _as_they_end(waiting):
                    done += days
                    elapsed_s = time.monotonic() - began
                    watch(Progress(days_done=done, days_total=total, elapsed_s=elapsed_s))
            finally:
                pool.shutdown(cancel_futures=True)
    return Computed(issues=len(found), days=done, elapsed_s=time.monotonic() - began)


def _as_they_end(waiting: Iterable[Future[int]]) -> Iterator[int]:
    for each in as_completed(waiting):
        yield each.result()


def _slices(found: Sequence[Lacking]) -> Iterator[Slice]:
    part: list[Lacking] = []
    weight = 0
    for each in found:
        part.append(each)
        weight += each.days + _READ_BEFORE_DAYS
        if weight >= _SLICE_DAYS:
            yield _slice(part)
            part, weight = [], 0
    if part:
        yield _slice(part)


def _slice(part: Sequence[Lacking]) -> Slice:
    return Slice(
        first=part[0].symbol,
        last=part[-1].symbol,
        issues=len(part),
        days=sum(each.days for each in part),
    )


def _computed(target: Target, part: Slice, since: date | None) -> int:
    with connect(target, application=_APPLICATION, bulk=True) as server:
        sql = queries.text(server.engine, "computing/compute_indicators", server.version[0])
        asked = {"first": part.first, "last": part.last, "since": since}
        for _ in range(_TRIES - 1):
            try:
                return int(server.rows(sql, asked)[0]["computed"])
            except ServerError as exc:
                if exc.fault is not Fault.RETRY:
                    raise
        return int(server.rows(sql, asked)[0]["computed"])
