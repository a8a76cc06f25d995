"""
Binary logs of MariaDB, applied to a restored server in one session, up to an exact place.

`--stop-datetime` knows whole seconds and stops wherever it is, so the place is found first: the
end of the last transaction that is meant, read from the logs themselves.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from ...errors import Refused, StorageError
from ...lab import ENGINES, Lab
from .. import credentials
from ..archive.binlog import number_of
from ..mariadb import program
from .aims import Aim
from .planning import Recovery
from .tools import pipe

_HEADER = struct.Struct("<IBIIIH")
_GTID = 162
# What is in no transaction, and may come after one: STOP, ROTATE, the head of a file, of a
# checkpoint, of a list of GTIDs, of what is encrypted.
_BETWEEN = frozenset({3, 4, 15, 161, 163, 164})


@dataclass(frozen=True, slots=True)
class Transaction:
    """Where a transaction begins and ends in a binary log, which it is, when it was written."""

    file: Path
    offset: int
    end: int
    domain: int
    server: int
    sequence: int
    at_s: int

    @property
    def gtid(self) -> str:
        """Its global transaction id."""
        return f"{self.domain}-{self.server}-{self.sequence}"


def transactions(file: Path) -> Iterator[Transaction]:
    """Give the transactions of the binary log `file`, in their order."""
    with file.open("rb") as log:
        going: Transaction | None = None
        at = 4
        log.seek(at)
        while len(header := log.read(_HEADER.size)) == _HEADER.size:
            at_s, kind, server, length, _, _ = _HEADER.unpack(header)
            if going is not None and (kind == _GTID or kind in _BETWEEN):
                yield replace(going, end=at)
                going = None
            if kind == _GTID:
                sequence, domain = struct.unpack("<QI", log.read(12))
                going = Transaction(file, at, at, domain, server, sequence, at_s)
            at += max(length, _HEADER.size)
            log.seek(at)
        if going is not None:
            yield replace(going, end=at)


def replay(lab: Lab, recovery: Recovery, files: Sequence[Path]) -> str:
    """Apply `files` from where the backup stopped to the target; return the GTIDs reached."""
    stop = recovery.last.stop
    if stop.offset is None or stop.file != files[0].name:
        raise StorageError(f"{recovery.last.id} does not say where in {files[0].name} it stopped")
    for before, file in pairwise(files):
        if number_of(file.name) != number_of(before.name) + 1:
            raise StorageError(f"between {before.name} and {file.name} there is a gap in the log")
    last = _last(files, recovery.aim, after=stop.offset)
    argv = [program("mariadb-binlog"), "--no-defaults", f"--start-position={stop.offset}"]
    if last is not None:
        names = [file.name for file in files]
        files = files[: names.index(last[0].name) + 1]
        argv.append(f"--stop-position={last[1]}")
    _pipe(lab, [*argv, *map(str, files)])
    return _reached(stop.gtid or "", files, after=stop.offset, until=last)


def _last(files: Sequence[Path], aim: Aim, *, after: int) -> tuple[Path, int] | None:
    """Return the file and the offset at which the replay stops; None for the end of the log."""
    if aim.kind == "end":
        return None
    if aim.kind == "file":
        name, _, offset = aim.text.rpartition(":")
        file = next(file for file in files if file.name == name)
        return file, _border(file, int(offset))
    stop_next = False
    for each in _from(files, after):
        if stop_next or _is_past(each, aim):
            return each.file, each.offset
        stop_next = aim.kind == "gtid" and each.gtid == aim.text
    if aim.at is not None or stop_next:
        return None
    raise Refused(
        f"there is no transaction {aim.text} in the log after the backup",
        hint="Find it: stockops backup find",
    )


def _border(file: Path, offset: int) -> int:
    """Return where the transaction begins that `offset` lies within: half of it is not applied."""
    within = (each.offset for each in transactions(file) if each.offset < offset < each.end)
    return next(within, offset)


def _is_past(each: Transaction, aim: Aim) -> bool:
    """Tell whether `each` is the first that is not wanted any more."""
    if aim.at is not None:
        return each.at_s > aim.at.timestamp()
    return not aim.inclusive and each.gtid == aim.text


def _from(files: Sequence[Path], after: int) -> Iterator[Transaction]:
    for number, file in enumerate(files):
        for each in transactions(file):
            if number or each.offset >= after:
                yield each


def _reached(
    position: str, files: Sequence[Path], *, after: int, until: tuple[Path, int] | None
) -> str:
    """Return `position` with every transaction that was applied after it."""
    reached: dict[int, str] = {}
    for gtid in filter(None, position.split(",")):
        reached[int(gtid.split("-")[0])] = gtid
    for each in _from(files, after):
        if until is not None and each.file == until[0] and each.offset >= until[1]:
            break
        reached[each.domain] = each.gtid
    return ",".join(reached[domain] for domain in sorted(reached))


def _pipe(lab: Lab, argv: Sequence[str]) -> None:
    """Send what `argv` prints through the server's client; both must end well."""
    client = [*ENGINES[lab.engine].client(lab, "mysql"), "--binary-mode", "--abort-source-on-error"]
    client += ["--init-command=SET SESSION sql_log_bin = 0"]
    pipe(argv, client, cwd=lab.directory, log=lab.log_path, env=credentials.environment())
