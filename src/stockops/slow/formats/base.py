"""What a format of log has to answer, and how a file is cut where entries begin."""

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from ...statements import Dialect
from ..accounting import Account
from ..events import Event

Raw = bytes | mmap.mmap


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole entries of one file, from `offset` on (in bytes, after decompression)."""

    file: str
    offset: int
    raw: bytes
    left_out: int = 0  # bytes that follow, of an entry that is too long to be held


class Format(Protocol):
    """
    One format of log.

    To add one: write these members, and a line in `formats.detect`.
    """

    name: str
    dialect: Dialect
    note: str  # what was inferred from the data, for the report: the prefix of the lines, say

    def start(self, data: Raw, at: int, end: int) -> int:
        """
        Return where the first entry begins that begins at `at` or later; `end` where none does.

        The answer depends on the bytes alone, never on where the search began: so every cut of a
        file gives the same entries.
        """

    def parse(self, piece: Piece, account: Account) -> Iterator[Event]:
        """Give the entries of `piece` in their order, and account for each byte of it."""
