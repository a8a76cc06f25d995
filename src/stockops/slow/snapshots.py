"""A digest as a small file, and two of them compared: what is new, gone, worse, better."""

import errno
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from .. import disk
from ..errors import ConfigError
from . import report
from .digest import Digest

FORMAT = 1
FILE_MODE = 0o644
CALLS_MIN = 5  # fewer say nothing of a mean
_MARK = b'"stockops_slow_snapshot"'
_BEGINNING_BYTES = 100
_SIGMAS = 1.96  # of a normal distribution, for 95 %
Verdict = Literal["worse", "better", "same", "unknown", "new", "gone"]
_ORDER: Mapping[str, int] = {
    each: n for n, each in enumerate(("worse", "new", "unknown", "better", "gone", "same"))
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a snapshot keeps of one class: no statement as it was sent, no parameter."""

    class_id: str
    verb: str
    text: str
    calls: int
    total_s: float
    mean_ms: float
    stddev_ms: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """
    One class before and after. `ratio` is that of the means, after to before; with 95 % certainty
    it is between `low` and `high`. None where there are too few calls to say.
    """

    verdict: Verdict
    class_id: str
    calls_before: int
    calls_after: int
    mean_before_ms: float | None
    mean_after_ms: float | None
    p95_before_ms: float | None
    p95_after_ms: float | None
    ratio: float | None
    low: float | None
    high: float | None
    added_s: float  # how much more time the class took in all
    text: str


def require_place(path: Path) -> None:
    """Raise `ConfigError` where `path` is a file and no snapshot: a log, in most cases."""
    if path.is_file() and path.stat().st_size and not _is_one(path):
        raise ConfigError(
            f"{str(path)!r} is there and is no snapshot: it is not written over",
            hint="The snapshot comes first, then the logs: stockops slow snapshot NEW.json LOG...",
        )


def write(digest: Digest, path: Path) -> int:
    """Write the snapshot of `digest` to `path`, whole or not at all; return its classes."""
    names = [each.name for each in fields(Kept)]
    rows = report.classes(digest, by="total")
    timed = [row for row in rows if row.mean_ms is not None]
    kept = [asdict(Kept(**{name: getattr(row, name) for name in names})) for row in timed]
    about = report.summary(digest)
    said = {name: about[name] for name in ("first", "last", "entries", "understood", "sampled")}
    text = json.dumps({"stockops_slow_snapshot": FORMAT, **said, "classes": kept}, indent=1)
    try:
        disk.write_whole(path, text.encode(), mode=FILE_MODE)
    except OSError as exc:
        look = "df -h" if exc.errno == errno.ENOSPC else "ls -ld"
        raise ConfigError(
            f"{str(path)!r} cannot be written: {exc.strerror}", hint=f"Look: {look} {path.parent}"
        ) from exc
    return len(kept)


def read(path: Path) -> list[Kept]:
    """Return the classes of the snapshot at `path`; `ConfigError` where it is none."""
    try:
        said = json.loads(path.read_text("utf-8"))
        classes = {FORMAT: said["classes"]}[said["stockops_slow_snapshot"]]
        return [Kept(**each) for each in classes]
    except OSError as exc:
        raise ConfigError(
            f"{str(path)!r} cannot be read: {exc.strerror}", hint=f"Look: ls -l {path}"
        ) from exc
    except (ValueError, KeyError, TypeError) as exc:
        raise ConfigError(
            f"{str(path)!r} is no snapshot: {type(exc).__name__}: {exc}",
            hint="Make one: stockops slow snapshot NEW.json LOG...",
        ) from exc


def _is_one(path: Path) -> bool:
    """Tell by its beginning whether `path` is a snapshot of whatever format."""
    try:
        with path.open("rb") as file:
            return _MARK in file.read(_BEGINNING_BYTES)
    except OSError:
        return False


def compare(before: list[Kept], after: list[Kept], *, max_worse: float) -> list[Compared]:
    """
    Return each class of either, the worst first.

    A class is worse where its mean grew by more than `max_worse` (0.1 is 10 %) with 95 % certainty,
    and better where it fell by more than that share.
    """
    old, new = ({each.class_id: each for each in side} for side in (before, after))
    rows = [_compared(old.get(each), new.get(each), max_worse) for each in {*old, *new}]
    return sorted(rows, key=lambda row: (_ORDER[row.verdict], -abs(row.added_s), row.class_id))


def _compared(old: Kept | None, new: Kept | None, max_worse: float) -> Compared:
    ratio, low, high = _ratio(old, new) if old and new else (None, None, None)
    verdict: Verdict
    if old is None or new is None:
        verdict = "new" if old is None else "gone"
    elif low is None or high is None:
        verdict = "unknown"
    elif low > 1 + max_worse:
        verdict = "worse"
    else:
        verdict = "better" if high < 1 / (1 + max_worse) else "same"
    known: Any = new or old
    return Compared(
        verdict=verdict,
        class_id=known.class_id,
        calls_before=old.calls if old else 0,
        calls_after=new.calls if new else 0,
        mean_before_ms=old.mean_ms if old else None,
        mean_after_ms=new.mean_ms if new else None,
        p95_before_ms=old.p95_ms if old else None,
        p95_after_ms=new.p95_ms if new else None,
        ratio=ratio,
        low=low,
        high=high,
        added_s=round((new.total_s if new else 0) - (old.total_s if old else 0), 6),
        text=known.text,
    )


def _ratio(old: Kept, new: Kept) -> tuple[float | None, float | None, float | None]:
    """Return the ratio of the means and its bounds: that of logarithms is nearly normal."""
    if min(old.mean_ms, new.mean_ms) <= 0:
        return None, None, None
    ratio = new.mean_ms / old.mean_ms
    if min(old.calls, new.calls) < CALLS_MIN:
        return round(ratio, 4), None, None
    spread = math.sqrt(sum(_relative_variance(each) for each in (old, new)))
    low, high = (ratio * math.exp(sign * _SIGMAS * spread) for sign in (-1, 1))
    return round(ratio, 4), round(low, 4), round(high, 4)


def _relative_variance(each: Kept) -> float:
    """Return the variance of the mean as a share of its square (the delta method)."""
    return (each.stddev_ms / each.mean_ms) ** 2 / (each.calls - 1)


def findings(rows: list[Compared]) -> Iterator[str]:
    """Give a line for each class that is worse, or one that says why nothing was compared."""
    if not any(row.calls_before and row.calls_after for row in rows):
        yield "the snapshots have no class in common"
    elif not any(row.verdict in {"worse", "better", "same"} for row in rows):
        yield f"no class was called {CALLS_MIN} times on both sides: nothing can be said"
    for row in rows:
        if row.verdict == "worse":
            yield (
                f"{row.class_id} took {row.ratio:.2f} times as long "
                f"(between {row.low:.2f} and {row.high:.2f}): {row.text[:80]}"
            )
