"""
What drills showed: one file a run, kept for the next run to be compared with.

A file is named by its run, ``20261122T073450-disk-full-data-postgresql-3f9a``, so that the last one
of a drill is found without reading any. A run under settings that somebody tries has their mark
behind it: it says what they cost, and proves nothing of the drill.

Times within a run are seconds after the fault was injected, by one monotonic clock; what had not
happened is None.
"""

import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from .. import state
from ..errors import StorageError

KEPT_MAX = 100  # runs of one drill on one engine
_NAME = re.compile(
    r"(\d{8}T\d{6})-([a-z0-9-]+)-(postgresql|mariadb)-[0-9a-f]{4}(?:-with-([0-9a-f]{8}))?"
)

Row = TypeVar("Row")


class Verdict(StrEnum):
    """How a run came out, in one word."""

    PASS = "PASS"  # noqa: S105  no password
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"  # what was lost could not be found out
    ABORTED = "ABORTED"  # a limit, a signal, or a baseline that was not green
    NOT_INJECTED = "NOT_INJECTED"  # the fault was never seen to bite: nothing was proven


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One state that the run went through; `at_s` is after its beginning."""

    name: str
    at_s: float
    took_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was measured. The times are after the injection; the counts are of the orders."""

    first_bad_s: float | None = None  # the first order that failed or came late
    suffered: str | None = None  # how orders did before recovery began, held against before
    detected_s: float | None = None
    detected_by: str | None = None  # the health check that told
    act_s: float | None = None  # when recovery began
    first_ack_s: float | None = None  # the first order acknowledged after recovery began
    rto_s: float | None = None  # from the injection to that order
    calm_s: float | None = None  # the 99th percentile is back in its band
    redundancy_s: float | None = None  # the replica follows again
    capacity_per_s: float | None = None  # orders that it can take, before any fault
    capacity_p99_ms: float | None = None
    gap_s: float | None = None  # the longest time without an acknowledgement
    acknowledged: int = 0
    lost: int | None = None
    lost_cancels: int = 0  # of these, cancels of orders
    told_lost: int | None = None  # orders in what the failover itself counted as lost
    ghosts: int | None = None
    duplicates: int | None = None
    unknown: int = 0
    settled: int = 0
    books_held: int | None = None
    books_checked: int | None = None
    structure_findings: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRun:
    """One step of the runbook as it was gone; `at_s` is after the injection."""

    text: str
    section: str
    mark: str
    at_s: float
    took_s: float
    exit_code: int | None = None
    said: str | None = None  # the end of what it said, where it did not do as expected


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """
    An alert that the drill expects, and when it was pending and firing, after the injection.

    `lasts` is how long its condition has to last before it fires, the shortest of its rules; `here`
    says what is otherwise in a drill than in `monitoring/rules`.
    """

    alert: str
    pending_s: float | None = None
    firing_s: float | None = None
    lasts: str = "0s"
    here: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The orders of one stretch of time, by default a second; `at_s` is after the injection."""

    at_s: float
    per_s: float
    p99_ms: float | None
    errors: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What it ran on."""

    cores: int
    memory_bytes: int
    in_memory_disk: bool
    kernel: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One run of a drill on one engine. `batch` is the same for all runs of one command."""

    run: str
    drill: str
    engine: str
    title: str
    server_version: str
    started_at: datetime
    ended_at: datetime
    verdict: Verdict
    driver: str
    reasons: tuple[str, ...] = ()
    batch: str = ""
    mode: str = "run"  # or game: a person recovered
    states: tuple[State, ...] = ()
    measured: Measured = field(default_factory=Measured)
    alarms: tuple[Alarm, ...] = ()
    steps: tuple[StepRun, ...] = ()
    timeline: tuple[Moment, ...] = ()
    expected: Mapping[str, Any] = field(default_factory=dict)
    file_sha256: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    machine: Machine | None = None

    @property
    def passed(self) -> bool:
        """Whether the run proved what it set out to prove."""
        return self.verdict is Verdict.PASS


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A run that is kept, as far as its name tells; `mark` is of its settings, if it tried some."""

    run: str
    drill: str
    engine: str
    started_at: datetime
    path: Path
    mark: str = ""

    @property
    def kind(self) -> tuple[str, str, str]:
        """What runs have in common that are compared with each other."""
        return (self.drill, self.engine, self.mark)


def new_run(drill: str, engine: str, *, settings: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return a name for a run of `drill` on `engine` that begins now, and tries `settings`."""
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{drill}-{engine}-{secrets.token_hex(2)}"
    if not settings:
        return name
    said = repr(sorted(settings.items())).encode()
    return f"{name}-with-{hashlib.sha256(said).hexdigest()[:8]}"


def write(record: Record) -> Path:
    """Keep `record`, whole or not at all; of those of its kind the newest `KEPT_MAX` stay."""
    path = state.folder("drills", "history") / f"{record.run}.json"
    state.write(path, plain(record))
    found = names(tried=True)
    kind = next((one.kind for one in found if one.run == record.run), None)
    same = [one for one in found if one.kind == kind]
    for old in same[:-KEPT_MAX]:
        old.path.unlink(missing_ok=True)
    return path


def names(*, tried: bool = False) -> list[Named]:
    """
    Return the runs that are kept, the oldest first, without reading them.

    Those that tried settings are among them only where `tried` says so.
    """
    found = []
    for path in (state.place() / "drills" / "history").glob("*.json"):
        match = _NAME.fullmatch(path.stem)
        if match and (tried or not match[4]):
            stamp, drill, engine, mark = match.groups()
            found.append(
                Named(
                    run=path.stem,
                    drill=drill,
                    engine=engine,
                    started_at=datetime.strptime(stamp, "%Y%m%dT%H%M%S").replace(tzinfo=UTC),
                    path=path,
                    mark=mark or "",
                )
            )
    return sorted(found, key=lambda one: one.run)


def read(path: Path) -> Record | None:
    """Return the run kept at `path`, None where it is gone; `StorageError` for a damaged file."""
    says = state.read(path)
    try:
        return None if says is None else _record(says)
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        raise StorageError(
            f"{str(path)!r} holds no run of a drill: {exc!r}",
            hint=f"It was written by nobody here: rm {path}",
        ) from exc


def every(drill: str | None = None, engine: str | None = None) -> list[Record]:
    """Return the runs that are kept, of one drill and engine where they are named; oldest first."""
    chosen = (one for one in names() if drill in {None, one.drill} and engine in {None, one.engine})
    return [record for one in chosen if (record := read(one.path)) is not None]


def last(drill: str, engine: str) -> Record | None:
    """Return the newest run of `drill` on `engine`, None where there is none."""
    for one in reversed(names()):
        if (one.drill, one.engine) == (drill, engine) and (found := read(one.path)) is not None:
            return found
    return None


def expires_at(record: Record, expires_days: int) -> datetime:
    """Return when `record` proves nothing any more."""
    return record.ended_at + timedelta(days=expires_days)


def plain(record: Record) -> dict[str, Any]:
    """Return `record` as JSON can hold it."""
    found: dict[str, Any] = _plain(asdict(record))
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return round(value, 4)
    return value.isoformat() if isinstance(value, datetime) else value


def _record(says: Mapping[str, Any]) -> Record:
    known = _known(Record, says)
    return Record(
        **{
            **known,
            "started_at": datetime.fromisoformat(known["started_at"]),
            "ended_at": datetime.fromisoformat(known["ended_at"]),
            "verdict": Verdict(known["verdict"]),
            "reasons": tuple(known.get("reasons", ())),
            "states": _rows(State, known.get("states", ())),
            "measured": Measured(**_known(Measured, known.get("measured", {}))),
            "alarms": _rows(Alarm, known.get("alarms", ())),
            "steps": _rows(StepRun, known.get("steps", ())),
            "timeline": _rows(Moment, known.get("timeline", ())),
            "machine": None
            if known.get("machine") is None
            else Machine(**_known(Machine, known["machine"])),
        }
    )


def _rows(kind: type[Row], says: Iterable[Mapping[str, Any]]) -> tuple[Row, ...]:
    return tuple(kind(**_known(kind, one)) for one in says)


def _known(kind: type[Any], says: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `kind` has fields for: a later version may have written more."""
    return {one.name: says[one.name] for one in fields(kind) if one.name in says}
