"""The plans that a log holds: the shape of each, when another one came, and what explains it."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from .. import plans
from ..errors import ConfigError
from .classes import Class, PlanSeen

KEPT_MAX = 4_096
# What of a plan decides its shape: of thousands that are alike only one is read whole.
_TEXT_KEY = re.compile(
    r"^( *(?:->  )?[^\n]*?)  \(cost=[^\n]*$|^ +((?:SubPlan|InitPlan|CTE) [^\n:]*)$", re.MULTILINE
)
_JSON_KEY = re.compile(
    r'^( *)"(Node Type|Strategy|Partial Mode|Join Type|Parent Relationship|Subplan Name|Alias'
    r"|Parallel Aware|Async Capable|Scan Direction|Index Name|Relation Name|Function Name|CTE Name"
    r'|Table Function Name|Tuplestore Name|Command|Operation|Custom Plan Provider)": ([^\n]*)$',
    re.MULTILINE,
)
_TABLE_HEAD = "id\tselect_type"
_TABLE_NUMBERS = {"rows", "r_rows", "filtered", "r_filtered"}
_LIMIT = re.compile(r"\b(?:LIMIT|FETCH FIRST|FETCH NEXT)\b", re.IGNORECASE)
Key = tuple[object, ...]


@dataclass(slots=True)
class _Asked:
    """A text that stands for its key in the cache: two with one key have one shape."""

    key: Key
    text: str

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Asked) and self.key == other.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """
    What there is to say of one plan of a class.

    `error` is the factor by which the worst of its estimates was wrong, `misjudged` says it in
    words with the node; None and "" where the log does not tell how many rows there were.
    `change` says what came before: "" for the first plan, ``instead of`` or ``beside`` another.
    """

    shape: str
    seen: PlanSeen
    error: float | None
    misjudged: str
    change: str


def shape_of(text: str) -> tuple[str, str]:
    """Return the id of the shape of a plan, and its text; two that differ in numbers are one."""
    return _shape(_Asked(_key(text), text)), text


def judged(each: Class) -> Iterator[Judged]:
    """Give the plans of a class in the order in which they came."""
    before: tuple[str, PlanSeen] | None = None
    # MariaDB tells whole seconds: of those that came in one, that which went first was first.
    found = sorted(
        each.plans.items(), key=lambda item: (item[1].first_us, item[1].last_us, item[0])
    )
    for shape, seen in found:
        worst = _worst(seen.text, limited=may_stop_early(each.text))
        change = ""
        if before is not None:
            over = before[1].last_us <= seen.first_us < seen.last_us
            over = over or before[1].last_us < seen.first_us
            change = f"{'instead of' if over else 'beside'} {before[0]}"
        yield Judged(
            shape=shape,
            seen=seen,
            error=round(worst.factor, 2) if worst else None,
            misjudged=worst.words if worst else "",
            change=change,
        )
        if before is None or seen.last_us > before[1].last_us:
            before = (shape, seen)


def may_stop_early(sql: str) -> bool:
    """Tell whether `sql` seems to want only the first rows: MariaDB's plans do not say it."""
    return bool(_LIMIT.search(sql))


def _key(text: str) -> Key:
    if text.startswith(_TABLE_HEAD):
        head, *rows = [line.split("\t") for line in text.splitlines()]
        keep = [n for n, name in enumerate(head) if name not in _TABLE_NUMBERS]
        return tuple(row[n] for row in rows for n in keep if n < len(row))
    found = _JSON_KEY if text.lstrip().startswith(("{", "[")) else _TEXT_KEY
    return tuple(found.findall(text)) or (text,)


@lru_cache(maxsize=KEPT_MAX)
def _shape(asked: _Asked) -> str:
    try:
        return plans.shape(plans.parse(asked.text))
    except ConfigError:  # a form that is not known, or a plan that was cut: it is shown as it is
        return hashlib.sha256(repr(asked.key).encode("utf-8", "replace")).hexdigest()[:12]


def _worst(text: str, *, limited: bool) -> plans.Misjudged | None:
    try:
        return plans.worst_error(plans.parse(text, limited=limited))
    except ConfigError:
        return None
