"""
When each answer and each error of a run came: a file a client, for who watches a run.

Lines of text; instants are nanoseconds of the clock that all processes of a machine share
(`time.perf_counter_ns`, which on Linux is CLOCK_MONOTONIC):

    a BEGAN ENDED    an answer to a call that was made at BEGAN
    e AT FAULT       an error of the server, or of the way to it
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .wire import Call

_FILE = "moments-{:03d}"


@dataclass(frozen=True, slots=True)
class Answered:
    """A call that was answered."""

    began_ns: int
    ended_ns: int


@dataclass(frozen=True, slots=True)
class Failed:
    """A try that met an error; the fault is of `stockops.errors.Fault`, or "other"."""

    at_ns: int
    fault: str


class Moments:
    """One client's file; with no folder, nothing is kept."""

    def __init__(self, folder: Path | None, number: int) -> None:
        # Lines appear whole: a line is shorter than what is written at once.
        path = folder / _FILE.format(number) if folder else None
        self._file = path.open("a", encoding="ascii", buffering=1) if path else None

    def answered(self, calls: Sequence[Call]) -> None:
        """Keep when the calls of a group were made and answered."""
        if self._file and calls:
            self._file.write("".join(f"a {c.began_ns} {c.ended_ns}\n" for c in calls))

    def failed(self, at_ns: int, fault: str) -> None:
        """Keep an error, at once."""
        if self._file:
            self._file.write(f"e {at_ns} {fault}\n")


class Reader:
    """Reads what the clients of a run add, from where it stopped the last time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, int] = {}

    def new(self) -> Iterator[Answered | Failed]:
        """Yield what was added since, one client after the other."""
        for path in sorted(self._folder.glob(_FILE.replace("{:03d}", "*"))):
            with path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                for line in file:
                    if not line.endswith(b"\n"):  # the rest comes with the next look
                        break
                    self._read[path] = self._read.get(path, 0) + len(line)
                    kind, first, second = line.decode("ascii").split()
                    if kind == "a":
                        yield Answered(int(first), int(second))
                    else:
                        yield Failed(int(first), second)
