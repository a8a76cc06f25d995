"""
The files of a client journal: writing, and reading back what a crash left of them.

A file is lines of JSON arrays; the first element says what the line is:

    ["o", key, account_id, symbol, side, kind, limit_won, quantity]   an order will be sent
    ["a", key, status, reason, order_id, filled_quantity, value_won, at_ms]       its answer
    ["c", key, order_id]                                             a cancel of it will be sent
    ["x", key, order_id, status, reason, at_ms]                      the cancel's answer
    ["u", key, code]                                                 the answer was lost
    ["e", key, code]                                                 rolled back, and given up
    ["w", key]                                                       withdrawn before it was sent
    ["v", key, order_id]                                             a cancel that was not sent
    ["f", key, order_id, code]                                       a cancel that was given up

Keys are ``RUN-CCC-NNNNNNNNN``: the run, the client, the number. They sort as they were sent.
``at_ms`` is when the answer was heard, in milliseconds since 1970 by the client's clock; a journal
of before has neither it nor ``value_won``.
"""

import fcntl
import json
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

from .. import disk
from ..errors import Busy, ConfigError

HEADER = "journal.json"
FORMAT = 1
CLIENTS_MAX = 1000
GLANCE_S = 0.5
RUN_ID = re.compile(r"[a-z0-9]{1,32}")
_FILE = "client-{:03d}.jsonl"
_NOT_A_JOURNAL = "Give the directory that `stockops trade run --journal DIR` wrote."

Line = list[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a journal is about. `after_order_id` was the last number when the run began."""

    run_id: str
    target: str
    engine: str
    seed: int
    clients: int
    business_date: str | None
    started_at: str
    after_order_id: int
    config: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Journal:
    """A journal on disk."""

    directory: Path
    header: Header

    def lines(self, client: int) -> Iterator[Line]:
        """
        Yield the lines of one client, in the order in which they were written.

        A last line that a crash tore is left out. A torn line before the end is not a crash:
        `ConfigError`.
        """
        path = self.directory / _FILE.format(client)
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return
        with file:
            for number, text in enumerate(file, 1):
                if not text.endswith(b"\n"):
                    return
                try:
                    line = json.loads(text)
                except ValueError:
                    if file.read(1):
                        raise _damaged(path, number) from None
                    return
                if not isinstance(line, list) or len(line) < 2:
                    raise _damaged(path, number)
                yield line


class Writer:
    """
    One client's file. Nothing is on disk before `commit`, and everything is after it.

    It writes whole lines only, in one call, so that a crash tears the last line at most.
    """

    def __init__(self, directory: Path, client: int) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        self._fd = os.open(directory / _FILE.format(client), flags, 0o640)
        self._held: list[str] = []
        disk.sync(directory)

    def add(self, lines: Sequence[str]) -> None:
        """Take lines, each with its newline; `commit` puts them on disk."""
        self._held += lines

    def commit(self) -> None:
        """Write what was added and wait until it is on disk."""
        data = "".join(self._held).encode()
        self._held.clear()
        while data:
            data = data[os.write(self._fd, data) :]
        os.fdatasync(self._fd)

    def forget(self) -> None:
        """Let go of the file in a process that will not write it."""
        os.close(self._fd)

    def close(self) -> None:
        """Commit and close."""
        self.commit()
        os.close(self._fd)


@contextmanager
def create(directory: Path, header: Header) -> Iterator[Journal]:
    """
    Make a new journal at `directory`, which must not be there or be empty.

    It is held against `read_header` until the end of the block and of every child of this process.
    """
    if not RUN_ID.fullmatch(header.run_id):
        raise ConfigError(f"a run cannot be called {header.run_id!r}")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if any(directory.iterdir()):
            raise ConfigError(
                f"the journal's directory {str(directory)!r} is not empty",
                hint="Name a new one with --journal DIR; a journal is never written twice.",
            )
        text = json.dumps({"format": FORMAT, **asdict(header)}, indent=2, ensure_ascii=False)
        with (directory / HEADER).open("x", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
            disk.sync(directory)
            yield Journal(directory, header)
            disk.sync(directory)
    except OSError as exc:
        raise ConfigError(
            f"cannot write a journal to {str(directory)!r}: {exc.strerror}",
            hint="Name a directory that can be written with --journal DIR.",
        ) from exc


def forge(directory: Path) -> str:
    """
    Write an order that never was into the journal at `directory`, with its answer; return its key.

    It is like the last order of the first client, and is what a lost one looks like.
    """
    journal = read_header(directory)
    orders = [line for line in journal.lines(0) if line[0] == "o"]
    if not orders:
        raise ConfigError(f"the journal {str(directory)!r} holds no order", hint=_NOT_A_JOURNAL)
    last = max(orders, key=lambda line: str(line[1]))
    start, _, number = last[1].rpartition("-")
    key = f"{start}-{int(number) + 1:0{len(number)}d}"
    with (directory / _FILE.format(0)).open("a", encoding="utf-8") as file:
        file.write(json.dumps(["o", key, *last[2:]]) + "\n")
        file.write(json.dumps(["a", key, "filled", None, None, last[-1], 0]) + "\n")
    return key


def _share(file: TextIO) -> None:
    """Lock `file` for reading; a client of the run that has just ended holds it for a moment."""
    deadline = time.monotonic() + GLANCE_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
            time.sleep(GLANCE_S / 20)
        else:
            return


def read_header(directory: Path) -> Journal:
    """Return the journal at `directory`; `Busy` while its run goes on."""
    path = directory / HEADER
    try:
        with path.open(encoding="utf-8") as file:
            _share(file)
            said = json.load(file)
        if said.pop("format") != FORMAT:
            raise ConfigError(
                f"{str(path)!r} is not of format {FORMAT}, which this version reads",
                hint="Use the version of stockops that wrote it.",
            )
        header = Header(**said)
    except BlockingIOError:
        raise Busy(
            f"the run that writes the journal {str(directory)!r} is not over",
            hint="Wait for it to end, or stop it with Ctrl-C.",
        ) from None
    except OSError as exc:
        raise ConfigError(
            f"there is no journal at {str(directory)!r}: {exc.strerror}", hint=_NOT_A_JOURNAL
        ) from exc
    except (ValueError, TypeError, KeyError, AttributeError) as exc:
        raise ConfigError(f"{str(path)!r} is not a journal's header", hint=_NOT_A_JOURNAL) from exc
    if not RUN_ID.fullmatch(header.run_id) or not 0 < header.clients <= CLIENTS_MAX:
        raise ConfigError(f"{str(path)!r} is not a journal's header", hint=_NOT_A_JOURNAL)
    return Journal(directory, header)


def _damaged(path: Path, number: int) -> ConfigError:
    return ConfigError(
        f"{str(path)!r} is damaged at line {number}",
        hint="A crash tears the last line only: take the journal from where it was written.",
    )
