"""
What a whole check proved, kept in the database: where it ended, and what the journal added up to.

A proof is as of one snapshot. What is new since then is told by its number: above the high-water
mark, and not among the few that the snapshot had of those. Numbers are drawn before they are
committed, so the mark is one that nobody in flight at the snapshot can still be below: it is read
first, and then everybody who had begun to write by that time is waited for.
"""

import hashlib
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields, replace
from datetime import date, datetime
from typing import Any

from .. import queries
from ..engine.base import Server
from ..errors import Finding, Refused
from ..queries import Query
from .scratch import lines

KEPT = 3
_AGAIN = "Prove the books anew with: stockops books check --prove"
WAIT_S = 10.0
_POLL_S = 0.25  # MariaDB's list of transactions is up to 0.1 s old
_ROWS = {
    "books_proof_sums": ("sums", "account_id asset business_date amount entries cost_won"),
    "books_proof_issues": ("issues", "symbol last_trade_id prior_trade_id"),
    "books_proof_events": ("events", "kind event_id"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One proof: the row of `books_proofs`, which explains its columns."""

    proof_id: int
    proven_at: datetime
    invariants: str
    event_id: int
    last_order_id: int
    last_trade_id: int
    condition_id: int
    prediction_id: int
    notification_id: int
    seal_no: int
    chain_hash: str
    unsealed: int
    folded_through: date
    entries: int
    entries_hash: int
    seal: str


@dataclass(frozen=True, slots=True)
class Marks:
    """High-water marks: of event_ids, and of what has numbers of its own."""

    event_id: int
    condition_id: int
    prediction_id: int
    notification_id: int


@dataclass(frozen=True, slots=True)
class Writer:
    """A transaction that has written or locked something, by a name that none after it has."""

    writer: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a proof says of the snapshot besides sums."""

    last_order_id: int
    last_trade_id: int
    seal_no: int
    chain_hash: str
    unsealed: int
    folded_through: date
    entries: int
    entries_hash: int
    old_entries: int
    old_hash: int


@dataclass(frozen=True, slots=True)
class Digest:
    """The rows of a proof as numbers, and whether they can be what they say."""

    sums: str
    issues: str
    events: str
    unbalanced: int
    orders_there: int
    trades_there: int


LATEST = Query("books_proof/latest", Proof)
MARKS = Query("books_proof/marks", Marks)
WRITERS = Query("books_proof/writers", Writer)
FOUND = Query("books_proof/found", Found)
DIGEST = Query("books_proof/digest", Digest)


def latest(server: Server) -> Proof | None:
    """Return the newest proof, unverified."""
    proofs = server.fetch(LATEST)
    return proofs[0] if proofs else None


def verify(server: Server, proof: Proof) -> None:
    """Raise `Finding` unless `proof` is as it was stored, and is of these books."""
    digest = server.fetch(DIGEST, proof_id=proof.proof_id)[0]
    if digest.unbalanced or _seal(proof, digest) != proof.seal:
        raise Finding(
            f"proof {proof.proof_id} is not as it was stored: its rows do not fit its seal",
            hint=_AGAIN,
        )
    if not (_there(proof.last_order_id, digest.orders_there)
            and _there(proof.last_trade_id, digest.trades_there)):  # fmt: skip
        raise Finding(
            f"proof {proof.proof_id} is of a later state than these books: they end before "
            f"event {max(proof.last_order_id, proof.last_trade_id)}, which it had seen",
            hint=f"Were they restored? {_AGAIN}",
        )


def params(proof: Proof) -> dict[str, object]:
    """Return what the statements for what is new since `proof` ask for."""
    names = [field.name for field in fields(Marks)]
    names += ["proof_id", "seal_no", "chain_hash", "folded_through"]
    return {name: getattr(proof, name) for name in names}


def marks(server: Server) -> Marks:
    """
    Return marks that a snapshot taken from now on stands above.

    Waits for whoever is writing; raises `Refused` where somebody still is after `WAIT_S`.
    """
    found = server.fetch(MARKS)[0]
    time.sleep(_POLL_S)
    waited_for = {each.writer for each in server.fetch(WRITERS)}
    until = time.monotonic() + WAIT_S
    while waited_for:
        time.sleep(_POLL_S)
        waited_for &= {each.writer for each in server.fetch(WRITERS)}
        if waited_for and time.monotonic() > until:
            raise Refused(
                f"a transaction has been writing for longer than {WAIT_S:.0f} s: {min(waited_for)}",
                hint="See whose it is with: stockops locks tree",
            )
    return found


def found(server: Server, before: Proof | None) -> Found:
    """Return what there is in the snapshot of `server`, and what of it `before` had counted."""
    asked = {"proof_id": before.proof_id if before else 0}
    return server.fetch(FOUND, event_id=before.event_id if before else -1, **asked)[0]


def store(
    source: Server, writer: Server, *, at: datetime, of: Marks, facts: Found, names: Iterable[str]
) -> Proof:
    """
    Store a proof of what `source` has in its snapshot, and return it.

    `writer` is another session, opened for bulk: the proof appears in one transaction.
    """
    said: dict[str, Any] = asdict(facts) | asdict(of)
    del said["old_entries"], said["old_hash"]
    said |= {"proven_at": at.replace(tzinfo=None), "invariants": " ".join(names), "seal": "0" * 64}
    columns = ", ".join(said)
    marked = ", ".join(f"%({name})s" for name in said)
    insert = f"INSERT INTO books_proofs ({columns}) VALUES ({marked}) RETURNING proof_id"  # noqa: S608
    with writer.transaction():
        said["proof_id"] = writer.rows(insert, said)[0]["proof_id"]
        for table, (question, names_of) in _ROWS.items():
            rows = _rows(source, question, of)
            named = ([(said["proof_id"], *row) for row in batch] for batch in rows)
            writer.load(table, ["proof_id", *names_of.split()], map(lines, named))
        proof = Proof(**said)
        seal = _seal(proof, writer.fetch(DIGEST, proof_id=proof.proof_id)[0])
        writer.execute(
            "UPDATE books_proofs SET seal = %(seal)s WHERE proof_id = %(proof_id)s",
            {"seal": seal, "proof_id": proof.proof_id},
        )
        for old in writer.rows("SELECT proof_id FROM books_proofs ORDER BY proof_id DESC")[KEPT:]:
            writer.execute("DELETE FROM books_proofs WHERE proof_id = %(proof_id)s", old)
    return replace(proof, seal=seal)


def _rows(source: Server, question: str, of: Marks) -> Iterator[list[tuple[Any, ...]]]:
    sql = queries.text(source.engine, f"books_carried/{question}", source.version[0])
    if question != "events":  # a stream takes no parameters, and these rows are few
        return source.stream(sql)
    return iter([[tuple(row.values()) for row in source.rows(sql, asdict(of))]])


def _there(last_id: int, rows: int) -> bool:
    return last_id == 0 or rows == 1


def _seal(proof: Proof, digest: Digest) -> str:
    """Return the hash of all that `proof` says."""
    said = asdict(replace(proof, seal="", entries_hash=int(proof.entries_hash)))
    said["proven_at"] = proof.proven_at.replace(tzinfo=None).isoformat(timespec="microseconds")
    said["folded_through"] = proof.folded_through.isoformat()
    told = json.dumps([said, digest.sums, digest.issues, digest.events], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()
