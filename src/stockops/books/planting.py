"""
Plant one corruption after the other in a copy of the books: each invariant must notice its own.

What is planted is in ``planted/<invariant>.sql``, or ``planted/<invariant>.<case>.sql`` where one
way to break an invariant is not enough: plain SQL that both engines read, its first line in prose.
What one statement cannot do is several, each but the last one ended by a semicolon and a new line.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import resources

from .. import queries
from ..engine.base import Server
from ..errors import Finding
from ..targets import Target
from . import invariants, together
from .checking import ask, check
from .invariants import Invariant
from .scratch import copied


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedResult:
    """One corruption; `found` is what its invariant said of it, empty where it said nothing."""

    invariant: str
    planted: str
    caught: bool
    found: str
    ms: int


@dataclass(frozen=True, slots=True)
class Corruption:
    """One way to break one invariant."""

    invariant: str
    what: str
    sql: str


class _Undo(Exception):
    """Ends the transaction that a corruption was planted in."""


def self_test(
    target: Target | str,
    *,
    only: Sequence[str] = (),
    asked: Sequence[Invariant] | None = None,
    seen: Callable[[PlantedResult], None] = lambda _: None,
) -> list[PlantedResult]:
    """
    Return, for each corruption of each invariant, whether the invariant caught it; where a pass
    answers for several of them, that has to suspect it, too.

    The copy must pass as it is before anything is planted, else `Finding`: an invariant that is
    violated already cannot show that it notices. A corruption for which the books have no row to
    break is not caught. The target's own rows are only read.
    """
    with copied(target) as server:
        chosen = invariants.load(server, only) if asked is None else list(asked)
        bad = [r.name for r in check(server, asked=chosen) if r.state != "held"]
        if bad:
            raise Finding(
                f"the books do not pass before anything is planted: {', '.join(bad)}",
                hint="See why with: stockops books check",
            )
        results = []
        for invariant in chosen:
            for corruption in corruptions(invariant.name):
                results.append(_plant(server, invariant, corruption))
                seen(results[-1])
    return results


def corruptions(invariant: str) -> Iterator[Corruption]:
    """Yield the ways to break `invariant` that come with the package."""
    folder = resources.files(__package__) / "planted"
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        if file.name.split(".")[0] == invariant:
            sql = file.read_text("utf-8")
            yield Corruption(invariant, sql.partition("\n")[0].removeprefix("-- "), sql)


def _plant(server: Server, invariant: Invariant, corruption: Corruption) -> PlantedResult:
    started = time.monotonic()
    found = ""
    with suppress(_Undo), server.transaction():
        server.execute(queries.text(server.engine, "checking/session", server.version[0]))
        if all(server.execute(statement) for statement in corruption.sql.split(";\n")):
            result = ask(server, invariant)
            if not together.overlooked(server, invariant):
                found = ", ".join(f"{e.entity}: {e.found}" for e in result.examples[:1])
        raise _Undo
    return PlantedResult(
        invariant=invariant.name,
        planted=corruption.what,
        caught=bool(found),
        found=found,
        ms=round((time.monotonic() - started) * 1000),
    )
