"""
What lines of a PostgreSQL log begin with, each read once by the strict rules.

A server writes few things between the time of a line and what the line says: as many as it has
sessions, or a few more. `pglinewise` cuts lines by guess and looks up here what it cut off. What is
here was read by the pattern of the prefix when its bytes came first (`__missing__`), and bytes that
are the same mean the same: so this is the check of its guess, at the price of a dictionary. What is
no beginning of a line is here, too, as `Heads.unusual`.

Sizes are bounded: what is longer than any head, or comes when there are too many, is read again.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from ..batches import Who, text
from ..events import Source
from . import pgmany, pgwords
from .pgtime import Seconds

CENTURY = b"20"  # of the times; left out of them, too
END = b":  "  # what stands behind a label in a usual line
_KEPT_MAX = 1 << 14
_HEAD_BYTES_MAX = 1 << 10
_OF_SESSION = ("session", "pid")
_OF_WHO = ("user", "host", "database", "application")


class Kinds(dict[tuple[bytes, bytes], Source | None]):
    """What the entries of one severity are, by the words before and behind their durations."""

    def __init__(self, label: bytes) -> None:
        """Take the name of the severity."""
        super().__init__()
        self._label = label

    def __missing__(self, said: tuple[bytes, bytes]) -> Source | None:
        head, step = said
        # Behind its label, cut off with one blank, stands another.
        if head[:1] != b" " or not pgmany.is_usual(head[1:], step):  # may be long: it is not kept
            return None
        found = pgmany.kind(self._label, head[1:], step)
        if len(self) < _KEPT_MAX:
            self[said] = found
        return found


@dataclass(frozen=True, slots=True)
class Head:
    """What a line begins with, its time left out; `begins` an entry, or goes on with one."""

    begins: bool
    is_detail: bool
    session: tuple[bytes, ...]
    who: Who
    kinds: Kinds
    seconds: Seconds


class Heads(dict[bytes, Head]):
    """Heads by what stands behind the digits of the time, `END` left out."""

    def __init__(self, pattern: re.Pattern[bytes], marks: int) -> None:
        """Take what is usual, `pgprefix.Prefix.after_time`, and how many ``: `` are in each."""
        super().__init__()
        self.marks = marks
        self._pattern = pattern
        self._kinds: dict[bytes, Kinds] = {}
        self._seconds: dict[bytes, Seconds] = {}
        self.unusual = Head(False, False, (), ("", "", "", ""), Kinds(b""), Seconds(b"", CENTURY))

    def __missing__(self, said: bytes) -> Head:
        if len(said) > _HEAD_BYTES_MAX:
            return self.unusual
        found = self._pattern.fullmatch(said + END)
        head = self.unusual if found is None else self._head(found)
        if len(self) >= _KEPT_MAX:
            self.clear()
        self[said] = head
        return head

    def _head(self, found: re.Match[bytes]) -> Head:
        said = {name: raw or b"" for name, raw in found.groupdict().items()}
        label, zone = said["label"], said["zone"]
        name = text(label)
        return Head(
            begins=name in pgwords.SEVERITIES,
            is_detail=pgwords.LABELS.get(name) == "detail",
            session=tuple(said[each] for each in _OF_SESSION if each in said),
            who=who(*(said.get(each, b"") for each in _OF_WHO)),
            kinds=self._kinds.setdefault(label, Kinds(label)),
            seconds=self._seconds.setdefault(zone, Seconds(zone, CENTURY)),
        )


@lru_cache(maxsize=_KEPT_MAX)
def who(user: bytes, host: bytes, database: bytes, application: bytes) -> Who:
    """Return who asked, as a prefix says it."""
    return word(user), word(host), word(database), word(application)


@lru_cache(maxsize=_KEPT_MAX)
def word(raw: bytes) -> str:
    """Return what a prefix says as text; "" where the server does not know."""
    said = text(raw)
    return "" if said == "[unknown]" else said
