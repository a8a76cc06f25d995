"""Ask every invariant in one snapshot, and say which held."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Literal

from ..engine.base import Server
from ..errors import Finding, Refused, ServerError
from . import invariants, proofs, since, snapshots, together
from .invariants import Invariant
from .proofs import Proof
from .scratch import no_books

State = Literal["held", "violated", "inconclusive", "unchanged"]

# The dearest first, as measured on both engines: what begins last should end soon.
_LONG = (
    "cost",
    "settlement",
    "trade_journal",
    "audit_chain",
    "price_time_priority",
    "audit_complete",
    "journal_zero",
    "order_fills",
    "fees",
    "tax",
    "holdings",
    "price_band",
    "trade_sides",
    "self_trade",
    "orphans",
    "business_date",
    "house_balances",
)
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

    `unchanged` is for a check of what is new since a proof: there it held, and no row came since.
    `violations` counts all rows that violate it, `examples` names the first 20 of them. `note` is
    what else a reader should know: how many audit rows await their seal, say. `ms` is its part of a
    pass that answered for several.
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
    helper: Server | None = None,
    *,
    only: Collection[str] = (),
    asked: Sequence[Invariant] | None = None,
    seen: Callable[[InvariantResult], None] = lambda _: None,
) -> list[InvariantResult]:
    """
    Return what became of the invariants named in `only`, of all of them where it is empty.

    All are read in one snapshot, so that a check under load gives no false alarm; nothing is
    locked and nothing written. `helper` is a second session, which takes its share. `asked` takes
    the place of the invariants that come with the package; `seen` is told each result as it comes.
    Raises `Finding` where the tables are missing.
    """
    chosen = invariants.load(server, only) if asked is None else list(asked)
    with snapshots.one_moment(server, helper) as sessions:
        return _ask_all(sessions, chosen, seen)


def _ask_all(
    sessions: list[Server],
    asked: Sequence[Invariant],
    seen: Callable[[InvariantResult], None],
    params: Mapping[str, object] | None = None,
) -> list[InvariantResult]:
    """
    Return the results in the order of `asked`; what takes longest begins first.

    With `params`, those of a proof, they are of what is new since then.
    """
    results: dict[str, InvariantResult] = {}
    known: dict[str, int] = {}

    def do(server: Server, group: tuple[Invariant | None, list[Invariant]]) -> None:
        in_one, members = group
        if len(asked) > 1:
            with _books_there():
                members = [together.counted(server, each, known) for each in members]
        for result in _ask_group(server, in_one, members):
            results[result.name] = result
            seen(result)

    groups = _groups(sessions[0], asked, params)
    if len(sessions) > 1:
        groups.sort(key=lambda group: min(_place(each.name) for each in group[1]))
    snapshots.each_once(sessions, groups, do)
    return [results[invariant.name] for invariant in asked]


def _groups(
    server: Server, asked: Sequence[Invariant], params: Mapping[str, object] | None
) -> list[tuple[Invariant | None, list[Invariant]]]:
    """Return what is asked in one pass; before the first trade a pass costs more than its parts."""
    if len(asked) > 1 and is_traded(server):
        return list(together.groups(server, asked, params))
    return [(None, [each]) for each in asked]


def is_traded(server: Server) -> bool:
    """Tell whether there is a trade; raise `Finding` where the tables of the books are missing."""
    with _books_there():
        found = server.rows("SELECT count(*) AS n FROM (SELECT 1 FROM trades LIMIT 1) AS t")
    return bool(found[0]["n"])


def _place(name: str) -> int:
    return _LONG.index(name) if name in _LONG else len(_LONG)


def _ask_group(
    server: Server, in_one: Invariant | None, group: list[Invariant]
) -> Iterator[InvariantResult]:
    """Yield the results of `group`: where `in_one` is a pass that clears one, from that."""
    started = time.monotonic()
    with _books_there():
        said = together.suspects(server, in_one) if in_one else {}
    ms = round((time.monotonic() - started) * 1000 / len(group))
    for invariant in group:
        looked_at, suspects, note = said.get(invariant.name, (0, 0, ""))
        if not looked_at or suspects:
            yield ask(server, invariant)
            continue
        yield InvariantResult(
            name=invariant.name,
            title=invariant.title,
            state="held",
            looked_at=looked_at,
            violations=0,
            examples=(),
            note=note,
            ms=ms,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Proving:
    """A whole check, and what became of its proof: `proof` is None where `why_not` says why."""

    results: list[InvariantResult]
    proof: Proof | None
    why_not: str


def check_since(
    server: Server,
    helper: Server | None = None,
    *,
    only: Collection[str] = (),
    seen: Callable[[InvariantResult], None] = lambda _: None,
) -> tuple[Proof, list[InvariantResult]]:
    """
    Return the newest proof, and what became of the invariants since, all read in one snapshot.

    Raises `Finding` where there is no proof, where it is not as it was stored, and where these
    books end before it.
    """
    chosen = invariants.load(server, only)
    with snapshots.one_moment(server, helper) as sessions:
        proof = _latest(server)
        if proof is None:
            raise Finding(
                "there is no proof to start from",
                hint="Check everything, and keep a proof: stockops books check --prove",
            )
        params = since.with_keys(
            sessions, proofs.params(proof), before=partial(proofs.verify, proof=proof)
        )
        asked = [since.narrowed(server, invariant, params) for invariant in chosen]
        results = _ask_all(sessions, asked, seen, params)
    return proof, results


def prove(
    server: Server,
    writer: Server,
    helper: Server | None = None,
    *,
    now: Callable[[], datetime],
    seen: Callable[[InvariantResult], None] = lambda _: None,
) -> Proving:
    """
    Check everything, and store a proof where all of it held; `writer` is a session for bulk.

    The entries that the newest proof had counted are counted and hashed again: they have to be
    there still, as they were. Nothing is stored where somebody goes on writing for too long.
    """
    why_not = ""
    try:
        marks = proofs.marks(server)
    except (Refused, ServerError) as exc:  # the check is worth no less
        marks, why_not = None, str(exc)
    at = now()
    with snapshots.one_moment(server, helper) as sessions:
        before = _latest(server)
        results = _ask_all(sessions, invariants.load(server), seen)
        if not passed(results):
            return Proving(results=results, proof=None, why_not="not everything held")
        if marks is None:
            return Proving(results=results, proof=None, why_not=why_not)
        names = [result.name for result in results]
        facts = proofs.found(server, before)
        if before:
            results.append(_unaltered(server, before, facts))
            if results[-1].violations:
                return Proving(results=results, proof=None, why_not="not everything held")
        try:
            proof = proofs.store(server, writer, at=at, of=marks, facts=facts, names=names)
        except ServerError as exc:  # a standby, or no right to write
            return Proving(results=results, proof=None, why_not=str(exc))
    return Proving(results=results, proof=proof, why_not="")


def _latest(server: Server) -> Proof | None:
    try:
        return proofs.latest(server)
    except ServerError as exc:
        if exc.code in _NO_SUCH_TABLE:
            raise Finding(
                "this database has no table for proofs", hint="Make it with: stockops migrate up"
            ) from exc
        raise


def _unaltered(server: Server, before: Proof, facts: proofs.Found) -> InvariantResult:
    """Return whether what `before` had counted is there; a changed proof is no measure for that."""
    expected = (before.entries, int(before.entries_hash))
    found = (facts.old_entries, int(facts.old_hash))
    told = [f"{entries:,} entries, hash {total}" for entries, total in (expected, found)]
    note, state = f"those of proof {before.proof_id}", _held(expected == found)
    try:
        proofs.verify(server, before)
    except Finding as exc:
        note, state = str(exc), "inconclusive"
    return InvariantResult(
        name="proven_entries",
        title="The journal entries that the proof before had counted are there, as they were.",
        state=state,
        looked_at=facts.old_entries,
        violations=int(state == "violated"),
        examples=(Example(note, *told),) if state == "violated" else (),
        note=note,
        ms=0,
    )


def _held(is_so: bool) -> State:
    return "held" if is_so else "violated"


def check_still(connected: Callable[[], AbstractContextManager[Server]]) -> list[InvariantResult]:
    """
    Return what became of all invariants of a database to which nobody writes, in their order.

    Two sessions share the work, each with its own snapshot; where somebody writes, use `check`.
    """
    with snapshots.of_still_rows(connected) as sessions:
        return _ask_all(sessions, invariants.load(sessions[0]), lambda _: None)


def passed(results: Iterable[InvariantResult]) -> bool:
    """Return whether something was checked and all of it held: inconclusive is not OK."""
    states = {result.state for result in results}
    return "held" in states and states <= {"held", "unchanged"}


def ask(server: Server, invariant: Invariant) -> InvariantResult:
    """Return what became of `invariant` in the transaction that `server` is in."""
    started = time.monotonic()
    with _books_there():
        rows = server.rows(invariant.sql, invariant.params)
    looked_at, violations = int(rows[0]["looked_at"]), int(rows[0]["violations"])
    idle: State = "inconclusive" if invariant.params is None else "unchanged"
    return InvariantResult(
        name=invariant.name,
        title=invariant.title,
        state="violated" if violations else "held" if looked_at else idle,
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


@contextmanager
def _books_there() -> Iterator[None]:
    try:
        yield
    except ServerError as exc:
        if exc.code in _NO_SUCH_TABLE:
            raise no_books() from exc
        raise
