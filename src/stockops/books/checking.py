"""Ask every invariant in one snapshot, and say which held."""

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal

from .. import queries
from ..engine.base import Server
from ..engine.sharing import share
from ..errors import Finding, ServerError
from . import invariants
from .invariants import NAMES, Invariant

State = Literal["held", "violated", "inconclusive"]

EXAMPLES_MAX = 20  # the LIMIT in every file
_NO_SUCH_TABLE = {"42P01", "1146"}


@dataclass(frozen=True, slots=True)
class Example:
    """One row that violates an invariant."""

    entity: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InvariantResult:
    """
    What became of one invariant; `inconclusive` where there was no row to look at.

    `violations` counts all rows that violate it, `examples` names the first 20 of them. `note` is
    what else a reader should know: how many audit rows await their seal, say.
    """

    name: str
    title: str
    state: State
    looked_at: int
    violations: int
    examples: tuple[Example, ...]
    note: str
    ms: int


def check(
    server: Server,
    *,
    only: Collection[str] = (),
    asked: Sequence[Invariant] | None = None,
    seen: Callable[[InvariantResult], None] = lambda _: None,
) -> list[InvariantResult]:
    """
    Return what became of the invariants named in `only`, of all of them where it is empty.

    All are read in one snapshot, so that a check under load gives no false alarm; nothing is
    locked and nothing written. `asked` takes the place of the invariants that come with the
    package; `seen` is told each result as it comes. Raises `Finding` where the tables are missing.
    """
    chosen = invariants.load(server, only) if asked is None else list(asked)
    results = []
    with server.transaction(isolation="repeatable read", read_only=True):
        # Whole tables are joined: memory for hashing and sorting, and no plans made for a few rows.
        server.execute(queries.text(server.engine, "checking/session", server.version[0]))
        for invariant in chosen:
            results.append(ask(server, invariant))
            seen(results[-1])
    return results


def check_still(connected: Callable[[], AbstractContextManager[Server]]) -> list[InvariantResult]:
    """
    Return what became of all invariants of a database to which nobody writes, in their order.

    Two sessions share the work, each with snapshots of its own; where somebody writes, use `check`.
    """
    results: dict[str, InvariantResult] = {}

    def ask_one(server: Server, name: str) -> None:
        [results[name]] = check(server, only=[name])

    share(connected, NAMES, ask_one)
    return [results[name] for name in NAMES]


def passed(results: Iterable[InvariantResult]) -> bool:
    """Return whether something was checked and all of it held: inconclusive is not OK."""
    states = {result.state for result in results}
    return states == {"held"}


def ask(server: Server, invariant: Invariant) -> InvariantResult:
    """Return what became of `invariant` in the transaction that `server` is in."""
    started = time.monotonic()
    try:
        rows = server.rows(invariant.sql)
    except ServerError as exc:
        if exc.code in _NO_SUCH_TABLE:
            raise Finding(
                "there are no books to check: tables are missing from this database",
                hint="Make the tables with: stockops migrate up",
            ) from exc
        raise
    looked_at, violations = int(rows[0]["looked_at"]), int(rows[0]["violations"])
    return InvariantResult(
        name=invariant.name,
        title=invariant.title,
        state="violated" if violations else "held" if looked_at else "inconclusive",
        looked_at=looked_at,
        violations=violations,
        examples=tuple(
            Example(str(row["entity"]), str(row["expected"]), str(row["found"]))
            for row in rows
            if row["entity"] is not None
        ),
        note=rows[0].get("note") or "",
        ms=round((time.monotonic() - started) * 1000),
    )
