"""
PostgreSQL's stderr log as others pass it on: an instant of theirs stands before each line.

CloudWatch writes so for RDS and Aurora (``aws logs tail``, exports), with the name of the stream in
its long form; ``docker logs -t``, ``kubectl logs --timestamps``, and the files of containerd and
CRI-O, which cut lines that are too long.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..accounting import Account
from ..events import Event
from . import pgprefix
from .base import Piece, Raw
from .pgstderr import PgStderr

_INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"
_STREAM = r"\S+ (?=\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)"  # named before the server's own instant alone
_ENVELOPE = rf"{_INSTANT}[ \t](?:std(?:out|err) [FP] |{_STREAM})?"
_BEFORE = re.compile(_ENVELOPE.encode())
_CUT = re.compile(rf"^{_INSTANT} std(?:out|err) P ".encode(), re.MULTILINE)
_LABELLED = re.compile(rf"^{_ENVELOPE}[^\n]{{0,400}}?{pgprefix.LABEL}".encode())


class PgWrapped(PgStderr):
    """PostgreSQL's stderr log with an instant, and maybe a name, before each line."""

    name = "postgresql stderr, passed on"
    envelope = f"(?:{_ENVELOPE})?"  # one of theirs may hold several lines

    def start(self, data: Raw, at: int, end: int) -> int:
        """Return where the next entry begins, not where a line goes on that was cut."""
        while (found := super().start(data, at, end)) < end:
            before = data.rfind(b"\n", 0, max(0, found - 1)) + 1
            if not found or not _CUT.match(data, before, found):
                break
            at = found + 1
        return found

    def parse(self, piece: Piece, account: Account) -> Iterator[Event]:
        """Give the entries, their lines put together where they were cut."""
        if not _CUT.search(piece.raw):
            return super().parse(piece, account)
        raw = _joined(piece.raw)
        account.read_bytes += len(piece.raw) - len(raw)  # what was around the cuts is understood
        return super().parse(replace(piece, raw=raw), account)

    def _goes_on(self, line: bytes) -> bytes | None:
        before = _BEFORE.match(line)
        said = line[before.end() :] if before else line
        return b"\n" + said[1:] if said[:1] == b"\t" else None


def _joined(raw: bytes) -> bytes:
    """Put lines together that were cut; offsets of what is skipped are those of the result."""
    lines, cut = [], False
    for line in raw.split(b"\n"):
        before = _BEFORE.match(line) if cut else None
        lines.append((b"" if cut else b"\n") + line[before.end() if before else 0 :])
        cut = _CUT.match(line) is not None
    return b"".join(lines).removeprefix(b"\n")


def infer(lines: Sequence[bytes]) -> PgWrapped | None:
    """Return the format of `lines`; None where they are not passed on, or not PostgreSQL's."""
    sample = lines[: pgprefix.SAMPLE_LINES_MAX]
    if not any(_LABELLED.match(line) for line in sample):
        return None
    said = [line[before.end() :] for line in sample if (before := _BEFORE.match(line))]
    prefix = pgprefix.infer(said)
    return None if prefix is None else PgWrapped(prefix)
