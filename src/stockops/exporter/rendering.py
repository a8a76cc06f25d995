"""
Families as text for Prometheus; the only place that knows how, and that says no.

A series is given once, whoever gives it first: a second one of the same name and labels would have
Prometheus drop it with a warning, or a scrape refused. A family has at most `FAMILY_SERIES_MAX`
series and an answer `ANSWER_SERIES_MAX`; what was left out is counted for its collector.
"""

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Literal

from .families import Family, Labels, Number, Sample, merged

Form = Literal["text", "openmetrics"]

CONTENT_TYPES: dict[Form, str] = {
    "text": "text/plain; version=0.0.4; charset=utf-8",
    "openmetrics": "application/openmetrics-text; version=1.0.0; charset=utf-8",
}
FAMILY_SERIES_MAX = 2_000
ANSWER_SERIES_MAX = 30_000
LABEL_CHARACTERS_MAX = 256
OTHER = "other"
LABELS_KEPT = 16_384  # written once and looked up from then on: most are the same at each scrape

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")
_ODD = re.compile(r'[\\"\n]')
_ESCAPES = {"\\": r"\\", '"': r"\"", "\n": r"\n"}


@dataclass(frozen=True, slots=True)
class Piece:
    """What one collector gave."""

    collector: str
    families: Sequence[Family]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The body of an answer, and what it holds and lacks, by collector."""

    body: bytes
    content_type: str
    series: dict[str, int]
    dropped: dict[str, int]


@dataclass(slots=True)
class _Block:
    kind: str
    help: str
    lines: dict[str, str] = field(default_factory=dict)  # whole ones, by their labels


def render(pieces: Iterable[Piece], *, form: Form = "text") -> Answer:
    """Return `pieces` as text, with two families about what each of them holds and lacks."""
    blocks: dict[str, _Block] = {}
    series: dict[str, int] = defaultdict(int)
    dropped: dict[str, int] = defaultdict(int)
    room = ANSWER_SERIES_MAX
    for piece in pieces:
        taken, lost = _add(blocks, piece.families, room)
        room -= taken
        series[piece.collector] += taken
        dropped[piece.collector] += lost
    _add(blocks, _about(series, dropped), ANSWER_SERIES_MAX)
    text = _openmetrics(blocks) if form == "openmetrics" else _text(blocks)
    return Answer(
        body=text.encode("utf-8", "replace"),
        content_type=CONTENT_TYPES[form],
        series=dict(series),
        dropped=dict(dropped),
    )


def plain(families: Iterable[Family]) -> bytes:
    """Return `families` as text, without a word on what they hold: for a file among others."""
    blocks: dict[str, _Block] = {}
    _add(blocks, families, ANSWER_SERIES_MAX)
    return _text(blocks).encode("utf-8", "replace")


def _add(blocks: dict[str, _Block], families: Iterable[Family], room: int) -> tuple[int, int]:
    """Add `families` to `blocks`; return how many series that made, and how many are left out."""
    taken = lost = 0
    for family in merged(families):
        name = family.name
        present = [sample for sample in family.samples if sample[1] is not None]
        try:
            folded = _folded(family, present) if _is_name(name) else []
        except (TypeError, ValueError):  # no numbers
            folded = []
        if not folded:
            lost += len(present)
            continue
        block = blocks.get(name) or _Block(_kind(family), family.help)
        lines = block.lines
        for sample in folded:
            key, line = _written(name, sample)
            full = taken >= room or len(lines) >= FAMILY_SERIES_MAX
            if full or key is None or key in lines:
                lost += 1
            else:
                lines[key] = line
                taken += 1
        if lines:
            blocks[name] = block
    return taken, lost


def _kind(family: Family) -> str:
    """Return the kind of `family`; none for a counter to which a reader would give a suffix."""
    is_odd = family.kind == "counter" and not family.name.endswith("_total")
    return "untyped" if is_odd else family.kind


@lru_cache(maxsize=LABELS_KEPT)
def _is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def _folded(family: Family, samples: Sequence[Sample]) -> Sequence[Sample]:
    """Return at most `FAMILY_SERIES_MAX` samples with the same sum, where the family allows it."""
    if len(samples) <= FAMILY_SERIES_MAX or not family.fold:
        return samples
    ranked = sorted(samples, key=lambda sample: -float(sample[1] or 0))
    sums: dict[Labels, float] = defaultdict(float)
    kept = ranked[: FAMILY_SERIES_MAX // 2]  # the rest may have many other labels
    for labels, value in ranked[len(kept) :]:
        rest = tuple((name, OTHER if name in family.fold else text) for name, text in labels)
        sums[rest] += float(value or 0)
    return [*kept, *sums.items()]


def _about(series: dict[str, int], dropped: dict[str, int]) -> list[Family]:
    """Return the two families about an answer."""
    return [
        Family(
            f"stockops_exporter_{name}",
            "gauge",
            text,
            tuple(((("collector", collector),), count) for collector, count in counts.items()),
        )
        for name, text, counts in (
            ("collector_series", "Series that the collector gave.", series),
            ("dropped_series", "Series left out: given twice, too many, or no names.", dropped),
        )
    ]


def _written(name: str, sample: Sample) -> tuple[str | None, str]:
    """Return the labels of `sample`, None for what is no sample, and its line."""
    try:
        labels, value = sample
        key = _key(labels)
        if key is None or value is None:
            return None, ""
        head = f"{name}{{{key}}}" if key else name
        return key, f"{head} {_number(value)}\n"
    except (TypeError, ValueError):  # a collector's mistake is its own: the others are written
        return None, ""


@lru_cache(maxsize=LABELS_KEPT)
def _key(labels: Labels) -> str | None:
    """Return `labels` as they stand between braces, in one order; None if one cannot be written."""
    written = []
    names = set()
    for name, value in labels:
        if not _LABEL.fullmatch(name) or name in names:
            return None
        names.add(name)
        if value is None or value == "":
            continue
        text = str(value)
        if len(text) > LABEL_CHARACTERS_MAX:
            text = text[: LABEL_CHARACTERS_MAX - 1] + "…"
        written.append(f'{name}="{_ODD.sub(lambda found: _ESCAPES[found[0]], text)}"')
    written.sort()
    return ",".join(written)


def _number(value: Number) -> str:
    if isinstance(value, int):
        return str(value + 0)  # of a bool, 1 or 0
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return str(int(value))
    number = float(value)
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "+Inf" if number > 0 else "-Inf"
    return repr(number)


def _text(blocks: dict[str, _Block]) -> str:
    parts: list[str] = []
    for name, block in blocks.items():
        parts.append(_head(name, block.kind, block.help))
        parts.extend(block.lines.values())
    return "".join(parts)


@lru_cache(maxsize=LABELS_KEPT)
def _head(name: str, kind: str, help_text: str) -> str:
    said = help_text.replace("\\", r"\\").replace("\n", r"\n")
    return f"# HELP {name} {said}\n# TYPE {name} {kind}\n"


def _openmetrics(blocks: dict[str, _Block]) -> str:
    """Return the stricter format: a counter's family lacks the suffix that its samples have."""
    parts: list[str] = []
    for name, block in blocks.items():
        kind, family = {"untyped": "unknown"}.get(block.kind, block.kind), name
        if kind == "counter":
            family = name.removesuffix("_total")
            if family in blocks:
                kind, family = "unknown", name
        said = _ODD.sub(lambda found: _ESCAPES[found[0]], block.help)
        parts.append(f"# HELP {family} {said}\n# TYPE {family} {kind}\n")
        parts.extend(block.lines.values())
    return "".join(parts) + "# EOF\n"
