"""The one thing the rest of the program knows about databases."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol, get_type_hints

from ..queries import Query, Row

Isolation = Literal["read committed", "repeatable read", "serializable"]
Values = Sequence[str | int | None]
Cells = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """
    A stored routine, ready to be called over and over; it gives the first row of the answer.

    Who calls in groups takes the three steps apart: `pack` for all arguments before, `send` one
    after the other, `read` for all answers after. Between two packets on the wire every line of
    Python costs several times what it costs in a loop, because the caches are cold.
    """

    pack: Callable[[Values], Any]
    send: Callable[[Any], Any]
    read: Callable[[Any], Cells]

    def __call__(self, values: Values) -> Cells:
        """Call the routine with `values`."""
        return self.read(self.send(self.pack(values)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What a new connection asks of its server, whatever the engine."""

    bulk: bool = False
    lock_timeout_s: float = 5.0
    connect_timeout_s: float = 5.0
    statement_timeout_s: float | None = None
    application: str = "stockops"


class Server(Protocol):
    """
    One open connection to one database server, in autocommit unless in `transaction`.

    Every error of the driver arrives as a `StockopsError`: `Unreachable`, or a `ServerError`
    whose `fault` says what it means for the transaction.

    To add an engine: write a class with these members, a folder of SQL files under ``sql/`` and
    ``schema/``, and a line in `stockops.engine.ENGINES`. The tests then run against it unchanged.
    """

    @property
    def engine(self) -> str:
        """The name of the engine, and of its folder under ``sql/`` and ``schema/``."""

    @property
    def version(self) -> tuple[int, int]:
        """The major and minor version, as the server states them."""

    @property
    def session_id(self) -> int:
        """The server's number for this session (backend pid, thread id)."""

    def fetch(self, query: Query[Row], /, **params: object) -> list[Row]:
        """Ask `query` and return its rows, in the order the SQL gives them."""

    def plan_once(self) -> None:
        """
        From here on, have a question that is fetched again and again planned once.

        PostgreSQL prepares it; MariaDB gains nothing by that.
        """

    def rows(self, sql: str, params: Mapping[str, object] | None = None) -> list[dict[str, Any]]:
        """Run one statement that answers and return its rows by column name."""

    def execute(self, sql: str, params: Mapping[str, object] | None = None) -> int:
        """Run one statement, sent as it is where `params` is None; return the rows it changed."""

    def stream(
        self, sql: str, params: Mapping[str, object] | None = None, *, batch: int = 10_000
    ) -> Iterator[list[tuple[Any, ...]]]:
        """
        Run one statement and yield its rows in lists of `batch`, in bounded memory.

        The connection is taken until the last row is read or the iterator is closed.
        """

    def load(self, table: str, columns: Sequence[str], lines: Iterable[bytes]) -> int:
        r"""
        Append rows to `table` by the engine's bulk path; return how many.

        `lines` are tab-separated text, ``\\N`` for NULL, backslash escapes for tab, newline and
        backslash: COPY's text format and LOAD DATA's default one agree on it. An item holds one
        or more whole lines, each with its newline; items of 64 KiB cost least. All or nothing:
        a row that does not fit, or is there already, is an error and none is stored.
        """

    def prepare_call(self, routine: str, arity: int) -> Call:
        """
        Return the fastest way to call stored `routine` with `arity` arguments, over and over.

        The call gives the first row the routine answers with, as text. A connection that goes
        during the call is `Fault.UNKNOWN`: the routine may have committed.
        """

    def transaction(
        self, *, isolation: Isolation | None = None, read_only: bool = False
    ) -> AbstractContextManager[None]:
        """
        Commit at the end of the block, or roll back if it raises.

        ``repeatable read`` takes its snapshot at the start of the block, not at the first read.
        There is one at a time: a block inside a block is a bug.
        """

    @property
    def silent_s(self) -> float:
        """How long the server has owed an answer, for any thread to see; 0 where it owes none."""

    def hang_up(self) -> None:
        """
        Cut the line, from any thread: whoever waits for the server's answer stops waiting.

        That one meets a lost connection. It helps where no timeout of the server does: the server
        is stopped, or the network swallows what is sent. The session is then good for `close` only.
        """

    def close(self) -> None:
        """Close the connection. Closing twice does nothing."""


def flags(row_type: type[Any]) -> frozenset[str]:
    """Return the fields of `row_type` that are true or false: MariaDB answers 1 and 0."""
    hints = get_type_hints(row_type)
    return frozenset(name for name, hint in hints.items() if hint in {bool, bool | None})
