"""
What is known of each job: ``jobs/NAME.json`` in the folder of state.

The file says that a run has begun, or how it ended. Whoever runs a job holds the lock beside the
file: a run that has begun, and whose lock nobody holds, was killed, and is `lost`.
"""

import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from .. import filelock, state
from ..errors import Busy, ConfigError, StorageError

FORMAT = 1
RUNS_KEPT = 20
Outcome = Literal["succeeded", "failed", "timed out", "interrupted", "lost"]
State = Literal["succeeded", "failed", "timed out", "interrupted", "lost", "running", "never ran"]
LOST_CODE = -1  # of a run that nobody saw the end of
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A run that has begun: its id, its process group, and when, in seconds since 1970."""

    run_id: str
    group: int
    started_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run that is over. How long it took is None where nobody saw its end."""

    started_s: float
    duration_s: float | None
    exit_code: int
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A job: how often it is to succeed, the run that has begun, and those that are over."""

    job: str
    known_since_s: float
    every_s: int | None = None
    begun: Begun | None = None
    last_success_s: float | None = None
    runs: tuple[Run, ...] = ()
    said: str = ""  # the end of what the last run said that did not succeed


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A job as it is now. `missed_at`, `overdue`: None where nobody said how often it is due."""

    job: str
    state: State
    overdue: bool | None
    missed_at: datetime | None
    every_s: int | None
    last_start_at: datetime | None
    last_success_at: datetime | None
    last_completion_at: datetime | None
    last_duration_s: float | None
    last_exit_code: int | None
    said: str


def check_name(job: str) -> str:
    """Return `job`, or raise `ConfigError` where a job cannot be called that."""
    if not _NAME.fullmatch(job):
        raise ConfigError(
            f"{job!r} cannot be the name of a job",
            hint="Take up to 64 of a-z, 0-9, '-' and '_', beginning with a letter or a digit.",
        )
    return job


def file_of(job: str) -> Path:
    """Return the file of `job`; its folder is made."""
    return state.folder("jobs") / f"{check_name(job)}.json"


def lock_of(job: str) -> Path:
    """Return the lock file that a run of `job` holds."""
    return file_of(job).with_suffix(".lock")


def read(job: str) -> Record | None:
    """Return what is written of `job`; None where nothing is."""
    path = file_of(job)
    said = state.read(path)
    return None if said is None else _parsed(said, path)


def write(record: Record) -> None:
    """Write `record`, whole or not at all. Whoever changes it holds the lock of the job."""
    state.write(file_of(record.job), {"format": FORMAT, **asdict(record)})


def expect(job: str, *, every_s: int) -> None:
    """Have `job` be known, and be missed when it does not succeed every `every_s` seconds."""
    with suppress(Busy), filelock.hold(lock_of(job), what=f"the job {job!r}"):
        # Where it runs this very moment, it is known, and its next run says how often it does.
        found = read(job) or Record(job=job, known_since_s=time.time())
        write(replace(found, every_s=every_s))


def forget(job: str) -> bool:
    """Remove what is known of `job`; False where nothing was. `Busy` where it runs."""
    with filelock.hold(lock_of(job), what=f"the job {job!r}"):
        there = file_of(job).exists()
        file_of(job).unlink(missing_ok=True)
    return there


def names() -> list[str]:
    """Return the names of the jobs that are known, sorted."""
    folder = state.place() / "jobs"
    return sorted(path.stem for path in folder.glob("*.json") if _NAME.fullmatch(path.stem))


def look(job: str) -> Seen | None:
    """Return how `job` is; None where nothing is known of it."""
    found = read(job)
    if found is not None and found.begun is not None and not filelock.is_held(lock_of(job)):
        found = read(job)  # it may have ended between the two looks
        if found is not None and found.begun is not None:
            found = ended_unseen(found, found.begun)
    return None if found is None else _seen(found, now_s=time.time())


def is_well(job: Seen) -> bool:
    """Tell whether `job` runs, or last ended well, and is not overdue."""
    return job.state in {"succeeded", "running"} and not job.overdue


def ended_unseen(record: Record, begun: Begun) -> Record:
    """Return `record` with the run that has `begun` among those that are over, as lost."""
    lost = Run(started_s=begun.started_s, duration_s=None, exit_code=LOST_CODE, outcome="lost")
    return replace(record, begun=None, runs=(*record.runs, lost)[-RUNS_KEPT:])


def missed_at_s(record: Record) -> float | None:
    """
    Return when two runs in a row are missed, unless one succeeds before: `job list` and the alert
    both go by it.

    That is two intervals after the last success. The time that a run takes counts with each of
    them, for who begins at the same moment of every day does not end so. None where no interval is
    known.
    """
    if record.every_s is None:
        return None
    took_s = max((run.duration_s or 0 for run in record.runs), default=0)
    return (record.last_success_s or record.known_since_s) + 2 * (record.every_s + took_s)


def _seen(record: Record, *, now_s: float) -> Seen:
    last = record.runs[-1] if record.runs else None
    over = next((run for run in reversed(record.runs) if run.duration_s is not None), None)
    start_s = record.begun.started_s if record.begun else last.started_s if last else None
    status: State = "never ran" if last is None else last.outcome
    missed_s = missed_at_s(record)
    return Seen(
        job=record.job,
        state="running" if record.begun else status,
        overdue=None if missed_s is None else now_s > missed_s,
        missed_at=_moment(missed_s),
        every_s=record.every_s,
        last_start_at=_moment(start_s),
        last_success_at=_moment(record.last_success_s),
        last_completion_at=_moment(over.started_s + (over.duration_s or 0) if over else None),
        last_duration_s=over.duration_s if over else None,
        last_exit_code=last.exit_code if last else None,
        said=record.said,
    )


def _moment(at_s: float | None) -> datetime | None:
    return None if at_s is None else datetime.fromtimestamp(at_s, UTC)


def _parsed(said: Mapping[str, Any], path: Path) -> Record:
    try:
        fields = {FORMAT: dict(said)}[said["format"]]
        del fields["format"]
        begun = fields.pop("begun")
        runs = tuple(Run(**run) for run in fields.pop("runs"))
        return Record(begun=None if begun is None else Begun(**begun), runs=runs, **fields)
    except (KeyError, TypeError, ValueError) as exc:
        raise StorageError(
            f"{str(path)!r} is no record that this version reads: {type(exc).__name__}: {exc}",
            hint=f"The job writes a new one when it runs: rm {path}",
        ) from exc
