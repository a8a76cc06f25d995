"""
The status of everything that is watched, as one page that renews itself.

Its one script and its one style are known to the policy of the page by their hashes: whatever a
statement or a message of a server holds is text, and runs nothing.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ..durations import said
from ..jobs.records import Seen as JobSeen
from ..overview import CheckSeen, StoreSeen, TargetSeen
from .page import hash_of, source, templates

SPARK_WIDTH = 96
SPARK_HEIGHT = 22
TEXT_CHARACTERS_MAX = 240
SEVERITY = ("CRITICAL", "WARNING", "UNKNOWN", "OK")
STATES = {"CRITICAL": "bad", "WARNING": "warn", "UNKNOWN": "quiet", "OK": "good"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spark:
    """The history of a check: where its line goes, and one bar of its state for each look."""

    points: str
    bars: tuple[tuple[str, str, str], ...]  # from, width, class of the state
    words: str


def render_status(
    targets: Sequence[TargetSeen], store: StoreSeen, jobs: Sequence[JobSeen], *, every_s: float
) -> str:
    """Return the page; `every_s` is how often it renews itself."""
    style, script = source("style.css") + source("status.css"), source("status.js")
    return (
        templates()
        .get_template("status.html")
        .render(
            targets=targets,
            store=store,
            jobs=jobs,
            at=_moment(time.time()),
            every_ms=round(every_s * 1000),
            style=style,
            style_hash=hash_of(style),
            script=script,
            hash=hash_of(script),
            worst_first=worst_first,
            counted=counted,
            spark=spark,
            ago=ago,
            moment=_moment,
            short=_short,
            classes=STATES,
        )
    )


def worst_first(checks: Sequence[CheckSeen]) -> list[CheckSeen]:
    """Return `checks`, the worst first, those of a group together."""
    return sorted(checks, key=lambda each: (SEVERITY.index(each.state), each.group, each.name))


def counted(checks: Sequence[CheckSeen]) -> str:
    """Return how many of `checks` are in which state."""
    states = [each.state for each in checks]
    return ", ".join(f"{states.count(each)} {each}" for each in SEVERITY if each in states)


def spark(check: CheckSeen) -> Spark:
    """Return the history of `check` as a line of its values over its states, the newest right."""
    count = len(check.states)
    step = SPARK_WIDTH / max(count, 1)
    known = [value for value in check.values if value is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    span = (high - low) or 1.0
    usable = SPARK_HEIGHT - 6
    points = [
        f"{(at + 0.5) * step:.1f},{2 + usable * (1 - (value - low) / span):.1f}"
        for at, value in enumerate(check.values)
        if value is not None
    ]
    bars, begun = [], 0
    for at in range(1, count + 1):
        if at == count or check.states[at] != check.states[begun]:
            width = (at - begun) * step
            bars.append((f"{begun * step:.1f}", f"{width:.1f}", STATES[check.states[begun]]))
            begun = at
    told = f"{count} looks: {low:g} to {high:g}" if known else f"{count} looks"
    return Spark(points=" ".join(points), bars=tuple(bars), words=told)


def ago(at_s: float | None) -> str:
    """Return how long ago `at_s` was."""
    return "never" if at_s is None else f"{said(max(0.0, time.time() - at_s))} ago"


def _short(text: str) -> str:
    text = " ".join(text.split())
    is_long = len(text) > TEXT_CHARACTERS_MAX
    return text[: TEXT_CHARACTERS_MAX - 1] + "…" if is_long else text


def _moment(at: float | datetime | None) -> str:
    if at is None:
        return "-"
    instant = at if isinstance(at, datetime) else datetime.fromtimestamp(at, UTC)
    return instant.astimezone(UTC).isoformat(sep=" ", timespec="seconds").replace("+00:00", " UTC")
