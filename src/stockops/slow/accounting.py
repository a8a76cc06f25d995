"""What became of every byte that was read: a report that hides what it did not read is a lie."""

from dataclasses import dataclass, field

UNDERSTOOD_MIN = 0.99
EXAMPLES_MAX = 5
_EXAMPLE_CHARACTERS = 120


@dataclass(frozen=True, slots=True, order=True)
class Skipped:
    """Bytes that belong to no entry."""

    file: str
    offset: int  # in bytes from the start of the file, as it is after decompression
    length: int
    text: str  # how they begin


@dataclass(slots=True)
class Account:
    """
    How many bytes were read, and how many of them were skipped.

    Accounts of parts of a file add up to that of the whole file, whatever the parts.
    """

    read_bytes: int = 0
    skipped_bytes: int = 0
    entries: int = 0
    examples: list[Skipped] = field(default_factory=list)

    @property
    def understood(self) -> float:
        """The share of the bytes that is in entries, from 0 to 1; 1 of nothing."""
        return 1.0 if not self.read_bytes else 1.0 - self.skipped_bytes / self.read_bytes

    def skip(self, file: str, offset: int, raw: bytes) -> None:
        """Note that `raw`, at `offset`, belongs to no entry."""
        self.skipped_bytes += len(raw)
        text = raw[: 4 * _EXAMPLE_CHARACTERS].decode("utf-8", "replace").strip()
        self._keep([Skipped(file, offset, len(raw), text[:_EXAMPLE_CHARACTERS])])

    def add(self, other: "Account") -> None:
        """Add another part."""
        self.read_bytes += other.read_bytes
        self.skipped_bytes += other.skipped_bytes
        self.entries += other.entries
        self._keep(other.examples)

    def _keep(self, more: list[Skipped]) -> None:
        self.examples = sorted([*self.examples, *more])[:EXAMPLES_MAX]
