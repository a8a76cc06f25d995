"""
A digest of logs as one HTML file: every class in a table that sorts, searches and opens.

Statements are hostile text. They travel as JSON in a block that is no script, with every sign that
HTML could read escaped; the page's one script puts them into the page as text, and its hash is in
the policy of the page, so that nothing else runs whatever a statement holds.
"""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import plans
from ..errors import ConfigError
from ..slow import histogram
from ..slow import report as digests
from ..slow.classes import SLOT_US, Class
from ..slow.digest import Digest
from ..slow.report import ClassRow, PlanRow
from ..statements import formatting
from .page import hash_of, source, templates, write_text

BINS_MAX = 48  # columns of time
PRETTY_MAX = 200  # classes whose worst sample is laid out: to lay out one takes milliseconds
SQL_CHARACTERS_MAX = 20_000
_BUCKETS_A_COLUMN = 12  # of the histogram: each column is 1.27 times as wide as the one before
# What HTML or an old parser of JavaScript could take for more than text.
_ESCAPES = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029\x7f"}
_NOT_TOLD = {"over_time", "plans", "worst", "text"}


def write_digest(digest: Digest, path: Path, *, by: str = "total") -> int:
    """Write the page of `digest` to `path`, whole or not at all; return the classes in it."""
    rows = digests.classes(digest, by=by)
    write_text(render_digest(digest, rows, by=by), path)
    return len(rows)


def render_digest(digest: Digest, rows: list[ClassRow], *, by: str) -> str:
    """Return the page; the classes are in the order of `rows`, which are of `digest`."""
    script = source("digest.js")
    return (
        templates()
        .get_template("digest.html")
        .render(
            about=digests.summary(digest),
            classes=len(rows),
            findings=list(digests.findings(digest)),
            data=_embedded(_data(digest, rows, by)),
            script=script,
            hash=hash_of(script),
        )
    )


def _embedded(data: Mapping[str, Any]) -> str:
    """Return `data` as JSON that is nothing but JSON inside of HTML."""
    said = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    clean = said.encode("utf-8", "replace").decode()  # half of a pair is no text
    return clean.translate(_ESCAPES)


def _data(digest: Digest, rows: list[ClassRow], by: str) -> dict[str, Any]:
    first, width_us, bins = _span(digest)
    return {
        "by": by,
        "first_ms": first * SLOT_US // 1000,
        "bin_ms": width_us // 1000,
        "bins": bins,
        "rows": [
            _class(row, digest.classes[row.class_id], (first, width_us), pretty=n < PRETTY_MAX)
            for n, row in enumerate(rows)
        ],
    }


def _span(digest: Digest) -> tuple[int, int, int]:
    """Return the first minute of the digest, how long a column of time is, and how many."""
    if digest.first_us is None or digest.last_us is None:
        return 0, SLOT_US, 0
    first, last = digest.first_us // SLOT_US, digest.last_us // SLOT_US
    minutes = -(-(last - first + 1) // BINS_MAX)
    return first, minutes * SLOT_US, -(-(last - first + 1) // minutes)


def _class(row: ClassRow, each: Class, span: tuple[int, int], *, pretty: bool) -> dict[str, Any]:
    first, width_us = span
    over_time: Counter[int] = Counter()
    for slot, calls in each.slots.items():
        over_time[(slot - first) * SLOT_US // width_us] += calls
    durations: Counter[int] = Counter()
    for number, calls in each.durations.items():
        durations[number // _BUCKETS_A_COLUMN] += calls
    told = {name: getattr(row, name) for name in row.__slots__ if name not in _NOT_TOLD}
    return {
        **{name: value for name, value in told.items() if value not in ({}, None)},
        "text": _cut(row.text),
        "over": sorted(over_time.items()),
        "durations": [
            [round(histogram.middle_us(number * _BUCKETS_A_COLUMN) / 1000, 3), calls]
            for number, calls in sorted(durations.items())
        ],
        "plans": [_plan(plan) for plan in row.plans],
        "worst": _sample(row.worst, pretty=pretty),
    }


def _sample(worst: Mapping[str, Any], *, pretty: bool) -> dict[str, Any]:
    if not worst:
        return {}
    sql = str(worst["sql"])
    said = {**worst, "sql": _cut(sql), "parameters": _cut(str(worst["parameters"]))}
    if pretty and (laid_out := formatting.pretty(sql)) != sql:
        said["pretty"] = laid_out
    return said


def _plan(plan: PlanRow) -> dict[str, Any]:
    try:
        tree = "\n".join(plans.lines(plans.parse(plan.text)))
    except ConfigError:  # a form that is not known: as it was logged
        tree = _cut(plan.text)
    told = ("shape", "calls", "mean_ms", "first", "last", "change", "error", "misjudged")
    return {**{name: getattr(plan, name) for name in told}, "tree": tree}


def _cut(text: str) -> str:
    if len(text) <= SQL_CHARACTERS_MAX:
        return text
    return f"{text[:SQL_CHARACTERS_MAX]} … ({len(text):,} characters in all)"
