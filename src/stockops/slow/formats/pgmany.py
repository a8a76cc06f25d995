"""
What PostgreSQL logs of a statement that ended, read by the thousand.

An entry is looked at here as far as its statement. What the words before that mean, in whatever
language, is asked of `pgentry`, once for all entries that begin alike.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from ..batches import Batch, Later, text
from ..events import Event, Source
from . import pgwords
from .pgentry import Entry, event_of, query_id

# "duration: 1.234 ms  execute s1: ", or what that is in another language.
OPENING = (
    rb'(?P<head>[^:,"\r\n]{1,40}): (?P<took>[0-9]{1,15}\.[0-9]{3}) ms  '
    rb'(?P<step>[^:,"\r\n]{1,100}): '
)
_OPENING = re.compile(OPENING)
_TOOK_BYTES_MAX = len("123456789012345.678")
_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_ASKED: tuple[Source, ...] = ("execution", "preparation")


@lru_cache(maxsize=4096)
def kind(severity: bytes, head: bytes, step: bytes) -> Source | None:
    """Return what an entry is that begins so; None for one that is no execution or preparation."""
    if pgwords.SEVERITIES.get(text(severity)) != "LOG":
        return None
    event = event_of(Entry(message=text(head + b": 0.000 ms  " + step + b": ")))
    return event.source if event.source in _ASKED and not event.admin else None


def is_usual(head: bytes, step: bytes) -> bool:
    """Tell whether `head` and `step` are as `OPENING` has them, with a duration between."""
    found = _OPENING.fullmatch(head + b": 0.000 ms  " + step + b": ")
    return found is not None and found["head"] == head


def many(entries: Iterable[Entry]) -> Iterator[Event | Batch]:
    """Give the events of `entries`: those of executions and preparations as batches."""
    usual, kinds, begun = [], [], []
    for entry in entries:
        found = _begun(entry)
        source = kind(entry.severity.encode(), found["head"], found["step"]) if found else None
        if found is None or source is None or entry.at_us is None:
            yield event_of(entry)
        else:
            usual.append(entry)
            kinds.append(source)
            begun.append(found)
    if usual:
        batch = Batch(
            sql=[each.string[each.end() :] for each in begun],
            at_us=[each.at_us or 0 for each in usual],
            duration_us=durations([each["took"] for each in begun]),
            who=[(each.user, each.host, each.database, each.application) for each in usual],
            parameters=Later([each.detail for each in usual], pgwords.parameters),
            query_id=[query_id(each.query_id) for each in usual],
        )
        yield from apart(batch, kinds)


def _begun(entry: Entry) -> re.Match[bytes] | None:
    try:
        return _OPENING.match(entry.message.encode())
    except UnicodeEncodeError:  # half a character, as JSON may have it
        return None


def durations(took: Sequence[bytes]) -> list[int]:
    """Return the microseconds of durations such as 1.234, in milliseconds."""
    return list(map(int, b" ".join(took).replace(b".", b"").split()))


def checked_durations(took: Sequence[bytes]) -> list[int] | None:
    """Return what `durations` does; None where one is not as `OPENING` has it."""
    every, count = b" ".join((*took, b"")), len(took)
    digits = every.translate(_ZEROS)
    are_usual = (
        # Digits, one sign, digits, the other: and so on. Then how many digits there may be.
        every.translate(None, b"0123456789") == b". " * count
        and digits.count(b"0.") == digits.count(b".000 ") == count
        and max(map(len, took), default=0) <= _TOOK_BYTES_MAX
    )
    return list(map(int, every.replace(b".", b"").split())) if are_usual else None


def kinds(said: Iterable[tuple[bytes, bytes, bytes]]) -> list[Source | None]:
    """Return what entries are, by the `kind` of what stands before their statements."""
    every = list(said)
    known = {each: kind(*each) for each in set(every)}
    return list(map(known.__getitem__, every))


def apart(batch: Batch, kinds: Sequence[Source | None]) -> Iterator[Batch]:
    """Give executions and preparations apart."""
    if kinds.count("execution") == len(kinds):
        yield batch
        return
    for source in _ASKED:
        kept = [each == source for each in kinds]
        if any(kept):
            yield replace(batch.where(kept), source=source)
