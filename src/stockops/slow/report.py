"""A digest as rows to print: the same digest gives the same rows, byte for byte."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from . import histogram
from .accounting import UNDERSTOOD_MIN
from .classes import SLOT_US, Class, Sample
from .digest import Digest
from .ranking import RANKS

SLOTS_MAX = 24  # columns of a sparkline
_NAMED_MAX = 20  # users, hosts, ... of a class that are listed
_SAME_SHARE = 0.2  # two formats of the same entries do not differ in size by more than that
_BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRow:
    """
    One shape of plan that was logged for a class, in the order in which they came.

    `change` says which plan it came ``instead of`` or ``beside``, at `first`; "" for the first.
    `error` is the factor by which its worst estimate of rows was wrong, and `misjudged` says which;
    `text` is the plan of its slowest execution.
    """

    shape: str
    calls: int
    mean_ms: float
    first: str
    last: str
    change: str
    error: float | None
    misjudged: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRow:
    """
    One class of statements. `share` is of the time of all classes, from 0 to 1.

    The quantiles are within 1 % of a duration that was there; the rest is exact. `calls` is what
    a sampled log stands for, `entries` what it holds, `untimed` those of the calls that have no
    time; a class of such alone has None for each time. Instants are UTC.
    """

    class_id: str
    verb: str
    text: str
    calls: int
    entries: int
    untimed: int
    total_s: float | None
    share: float | None
    mean_ms: float | None
    stddev_ms: float | None
    min_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    max_ms: float | None
    lock_s: float
    prepared_s: float
    rows_sent: int | None
    rows_examined: int | None
    rows_affected: int | None
    first: str
    last: str
    over_time: str
    users: Mapping[str, int]
    hosts: Mapping[str, int]
    databases: Mapping[str, int]
    applications: Mapping[str, int]
    tags: Mapping[str, int]
    query_ids: Mapping[str, int]
    plans: tuple[PlanRow, ...]
    worst: Mapping[str, Any]


_TIMES = (
    "total_s", "share", "mean_ms", "stddev_ms", "min_ms", "p50_ms", "p95_ms", "p99_ms", "max_ms",
)  # fmt: skip


def classes(digest: Digest, *, by: str, limit: int | None = None) -> list[ClassRow]:
    """Return the classes of `digest`, the largest by `by` first; see `ranked_by`."""
    rank = RANKS[ranked_by(digest, by)]
    whole = sum(each.total_us for each in digest.classes.values())
    seen = [each for each in digest.classes.values() if each.entries]
    seen.sort(key=lambda each: (-rank(each), each.class_id))
    return [_row(each, whole, digest) for each in seen[:limit]]


def ranked_by(digest: Digest, by: str) -> str:
    """Return `by` (one of `RANKS`); "calls" where it asks for what the log does not have."""
    seen = digest.classes.values()
    untimed = sum(each.untimed for each in seen)
    return "calls" if untimed and untimed == sum(each.calls for each in seen) else by


def summary(digest: Digest) -> dict[str, Any]:
    """Return what is to be known before the classes: files, span, bytes, what else was said."""
    account = digest.account
    return {
        "files": dict(sorted(digest.formats.items())),
        "first": instant(digest.first_us),
        "last": instant(digest.last_us),
        "entries": account.entries,
        "filtered": digest.filtered,
        "read_bytes": account.read_bytes,
        "skipped_bytes": account.skipped_bytes,
        "understood": round(account.understood, 6),
        "skipped": [
            {"file": each.file, "offset": each.offset, "length": each.length, "text": each.text}
            for each in account.examples
        ],
        "sampled": digest.sampled,
        "scaled": digest.scaled,
        "quantile_error": histogram.RELATIVE_ERROR,
        "calls": sum(each.calls for each in digest.classes.values()),
        "untimed": sum(each.untimed for each in digest.classes.values()),
        "total_s": _seconds(sum(each.total_us for each in digest.classes.values())),
        "admin": _counted(digest.admin),
        "notices": dict(sorted(digest.notices.items())),
        "said": {
            kind: [
                {"at": instant(each.at_us or None), "text": each.text, "sql": each.sql}
                for each in examples
            ]
            for kind, examples in sorted(digest.examples.items())
            if kind not in {"connection", "duration", "statement"}
        },
    }


def findings(digest: Digest) -> Iterator[str]:
    """Give why the report is not to be relied on: too little understood, nothing, or too much."""
    account = digest.account
    if account.understood < UNDERSTOOD_MIN:
        yield (
            f"{account.skipped_bytes:,} of {account.read_bytes:,} bytes are in no entry: "
            f"{account.understood:.1%} understood, {UNDERSTOOD_MIN:.0%} is the least"
        )
    if not any(each.entries for each in digest.classes.values()):
        yield f"no execution was counted: {_why_none(digest)}"
    for files in _told_again(digest.formats):
        yield (
            f"{' and '.join(files)} are one log in {len(files)} formats, and what is in all of "
            f"them is counted {len(files)} times: name one of them"
        )


def _told_again(formats: Mapping[str, str]) -> Iterator[list[str]]:
    """
    Yield the files that one server of PostgreSQL wrote beside each other, each in its own format.

    With csvlog alone it writes a file for stderr, too, which holds a few messages: it is small.
    """
    beside: dict[Path, dict[str, str]] = defaultdict(dict)
    for file, form in formats.items():
        if form.startswith("postgresql ") and Path(file).suffix in {".log", ".csv", ".json"}:
            beside[Path(file).with_suffix("")][form.split()[1].rstrip(",")] = file
    for kinds in beside.values():
        sizes = {file: Path(file).stat().st_size for file in kinds.values() if Path(file).exists()}
        least = max(sizes.values(), default=0) * _SAME_SHARE
        files = sorted(file for file, size in sizes.items() if size > least)
        if len(files) > 1:
            yield files


def instant(at_us: int | None) -> str:
    """Return an instant in ISO 8601, UTC; "" for none."""
    if at_us is None:
        return ""
    at = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=at_us)
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _why_none(digest: Digest) -> str:
    if digest.filtered:
        return f"the filters left out all of {digest.filtered:,}"
    if digest.notices["duration"]:
        return (
            "durations are logged without their statements, or without a session (%p); "
            "log_min_duration_statement logs both in one line"
        )
    if digest.notices["statement"]:
        return "statements are logged without durations: set log_min_duration_statement"
    if digest.account.entries:
        return "the log holds other messages only; is log_min_duration_statement set?"
    return "there is no entry in it; is the slow log on (slow_query_log, long_query_time)?"


def _times(each: Class, whole_us: int) -> dict[str, float | None]:
    """Return what the times of `each` come to; None for all where the log has no times of it."""
    calls = each.calls - each.untimed
    if not calls:
        return dict.fromkeys(_TIMES)
    variance = max(0, each.squares_us2 * calls - each.total_us**2) / calls**2
    quantiles = [histogram.quantile_us(each.durations, share) for share in (0.5, 0.95, 0.99)]
    p50, p95, p99 = (_ms(min(max(value, each.min_us), each.max_us)) for value in quantiles)
    share = round(each.total_us / whole_us, 6) if whole_us else 0.0
    mean, spread = _ms(each.total_us / calls), _ms(math.sqrt(variance))
    least, most = _ms(each.min_us), _ms(each.max_us)
    values = (_seconds(each.total_us), share, mean, spread, least, p50, p95, p99, most)
    return dict(zip(_TIMES, values, strict=True))


def _row(each: Class, whole_us: int, digest: Digest) -> ClassRow:
    told = each.told_rows
    return ClassRow(
        **_times(each, whole_us),
        untimed=each.untimed,
        class_id=each.class_id,
        verb=each.verb,
        text=each.text,
        calls=each.calls,
        entries=each.entries,
        lock_s=_seconds(each.lock_us),
        prepared_s=_seconds(each.prepared_us),
        rows_sent=each.rows_sent if told else None,
        rows_examined=each.rows_examined if told else None,
        rows_affected=each.rows_affected if told else None,
        first=instant(each.first_us),
        last=instant(each.last_us),
        over_time=_sparkline(each.slots, digest),
        users=_counted(each.users),
        hosts=_counted(each.hosts),
        databases=_counted(each.databases),
        applications=_counted(each.applications),
        tags=_counted(Counter({f"{key}={value}": n for (key, value), n in each.tags.items()})),
        query_ids=_counted(Counter({str(key): n for key, n in each.query_ids.items()})),
        plans=tuple(_plans(each)),
        worst=_sample(each.worst, timed=each.calls > each.untimed) if each.worst else {},
    )


def _plans(each: Class) -> Iterator[PlanRow]:
    if not each.plans:
        return
    from . import planned  # noqa: PLC0415  most logs have no plans, which take time to know

    for plan in planned.judged(each):
        seen = plan.seen
        yield PlanRow(
            shape=plan.shape,
            calls=seen.calls,
            mean_ms=_ms(seen.total_us / seen.calls),
            first=instant(seen.first_us or None),
            last=instant(seen.last_us or None),
            change=plan.change,
            error=plan.error,
            misjudged=plan.misjudged,
            text=seen.text,
        )


def _sample(worst: Sample, *, timed: bool) -> dict[str, Any]:
    return {
        "at": instant(worst.at_us or None),
        "duration_ms": _ms(worst.duration_us) if timed else None,
        "user": worst.user,
        "database": worst.database,
        "sql": worst.sql,
        "parameters": worst.parameters,
    }


def _sparkline(slots: Counter[int], digest: Digest) -> str:
    """Return the calls over the time of the whole digest, as bars."""
    if not slots or digest.first_us is None or digest.last_us is None:
        return ""
    first, last = digest.first_us // SLOT_US, digest.last_us // SLOT_US
    width = -(-(last - first + 1) // SLOTS_MAX)
    sums = [0] * -(-(last - first + 1) // width)
    for slot, calls in slots.items():
        sums[(slot - first) // width] += calls
    top = max(sums)
    return "".join(_BARS[(len(_BARS) - 1) * each // top] if each else " " for each in sums)


def _counted(counter: Counter[str]) -> dict[str, int]:
    """Return the most frequent first; those beyond `_NAMED_MAX` together as "(others)"."""
    ordered = sorted(
        ((n, name) for name, n in counter.items() if name), key=lambda e: (-e[0], e[1])
    )
    named = {name: n for n, name in ordered[:_NAMED_MAX]}
    rest = sum(n for n, _ in ordered[_NAMED_MAX:])
    return named | ({"(others)": rest} if rest else {})


def _ms(microseconds: float) -> float:
    return round(microseconds / 1000, 3)


def _seconds(microseconds: int) -> float:
    return round(microseconds / 1_000_000, 6)
