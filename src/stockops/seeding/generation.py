"""Chunks made ahead by a process of its own, while the server loads the one before."""

import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection

from .plan import Material
from .tables import BY_NAME, Chunk, Table, chunk

# Below this many rows a process costs more than it saves.
_ROWS_FOR_A_PROCESS = 50_000
_STOP_S = 5.0

Wanted = Sequence[tuple[str, int]]  # table and chunk number


@dataclass(frozen=True, slots=True)
class Failed:
    """Why the process that makes the rows gave up."""

    reason: str


@contextmanager
def chunks(made_of: Material, wanted: Wanted) -> Iterator[Iterator[Chunk]]:
    """
    Give an iterator over the `wanted` chunks, in their order.

    Two of them exist at any time, the one being loaded and the one being made: memory does not
    grow with the seed. The process is forked, so open no connection before that it could share.
    """
    rows = sum(_rows(made_of, BY_NAME[name]) for name, _ in wanted)
    if rows < _ROWS_FOR_A_PROCESS:
        yield (chunk(made_of, BY_NAME[name], number) for name, number in wanted)
        return
    fork = multiprocessing.get_context("fork")
    reader, writer = fork.Pipe(duplex=False)
    process = fork.Process(target=_make, args=(made_of, wanted, reader, writer), daemon=True)
    process.start()
    writer.close()
    try:
        with closing(reader):
            yield (_received(reader) for _ in wanted)
    finally:
        process.terminate()
        process.join(_STOP_S)
        if process.exitcode is None:
            process.kill()
            process.join(_STOP_S)
        process.close()


def _received(reader: Connection) -> Chunk:
    try:
        made: Chunk | Failed = reader.recv()
    except EOFError:
        raise RuntimeError("the process that makes the rows ended early") from None
    match made:
        case Chunk():
            return made
        case Failed(reason):
            raise RuntimeError(f"the process that makes the rows met: {reason}")


def _rows(made_of: Material, table: Table) -> int:
    units = min(table.units_per_chunk, table.units(made_of))
    return round(units * table.rows_each(made_of))


def _make(made_of: Material, wanted: Wanted, reader: Connection, writer: Connection) -> None:
    """Make the chunks and send them; a full pipe makes this wait, a closed one ends it."""
    reader.close()  # or the pipe would stay open after the reader's death
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the reader ends this
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        for name, number in wanted:
            writer.send(chunk(made_of, BY_NAME[name], number))
    except (BrokenPipeError, ConnectionResetError):
        return
    except Exception as exc:  # told to the reader, which raises it
        writer.send(Failed(f"{type(exc).__name__}: {exc}"))
