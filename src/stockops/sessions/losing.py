"""What is lost with a session, or with its statement: said before anybody ends it."""

from dataclasses import dataclass

from ..engine.base import Server
from ..plan import Lock
from ..queries import Query
from .beyond import PREPARED
from .killing import Plan, Victim, shortened, words


@dataclass(frozen=True, slots=True, kw_only=True)
class LossRow:
    """
    What one session would lose with its transaction.

    `is_block` tells that it has had statements before this one, None where the server does not say.
    `rows_changed` is None on PostgreSQL, which does not count them; there `has_changed` is all that
    is known, and `tables` are those that it may have changed. MariaDB may not know the tables.
    """

    session_id: int
    is_open: bool
    is_block: bool | None
    transaction_id: str | None
    has_changed: bool
    rows_changed: int | None
    rows_locked: int | None
    tables: str


LOSSES = Query("sessions/losses", LossRow)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """
    One session that would be ended, and `lost`: what that destroys.

    `transaction_s` is how old its open transaction is, `idle_s` for how long nothing has run in it;
    None where there is none. `holds` are the tables that it has locked to change them.
    """

    session_id: int
    action: str
    why: str
    lost: str
    destroys: bool
    lock: Lock
    transaction_id: str | None
    transaction_s: float | None
    idle_s: float | None
    rows_changed: int | None
    rows_locked: int | None
    holds: tuple[str, ...]
    waiting: int


def endings(server: Server, planned: Plan) -> list[Ending]:
    """Return what ending the victims of `planned` would come to, in order."""
    if not planned.victims:
        return []
    numbers = ",".join(str(each.session.session_id) for each in planned.victims)
    losses = {row.session_id: row for row in server.fetch(LOSSES, session_ids=numbers)}
    return [
        _ending(victim, losses.get(victim.session.session_id), server.engine)
        for victim in planned.victims
    ]


def never(server: Server, planned: Plan) -> str:
    """Return who is never ended, as far as there is anybody of the kind."""
    prepared = len(server.fetch(PREPARED))
    there = [
        (planned.kept, "of replication, backups, migrations and the server itself"),
        (prepared, "prepared, without a session"),
    ]
    said = [f"{count} {what}" for count, what in there if count]
    return f"never ended: {'; '.join(said)}" if said else ""


def _ending(victim: Victim, loss: LossRow | None, engine: str) -> Ending:
    session = victim.session
    is_open = loss is not None and loss.is_open
    idle = session.state == "idle in transaction"
    return Ending(
        session_id=session.session_id,
        action=words(victim, engine),
        why=f"{victim.why}: {shortened(session.sql_text)}",
        lost=_lost(victim, loss, engine),
        destroys=victim.how == "terminate" or (loss is not None and loss.has_changed),
        lock="none",
        transaction_id=loss.transaction_id if loss else None,
        transaction_s=(session.transaction_ms or 0) / 1000 if is_open else None,
        idle_s=(session.state_ms or 0) / 1000 if is_open and idle else None,
        rows_changed=loss.rows_changed if loss else None,
        rows_locked=loss.rows_locked if loss else None,
        holds=tuple(loss.tables.split(", ")) if loss and loss.tables else (),
        waiting=victim.waiting,
    )


def _lost(victim: Victim, loss: LossRow | None, engine: str) -> str:
    """Return, in words, what is rolled back."""
    session = victim.session
    if loss is None:
        return "nothing: the session is gone by now"
    if not loss.is_open:
        what = "the answer of its statement; " if session.state == "active" else ""
        return f"{what}no transaction is open"
    age = f"open for {(session.transaction_ms or 0) / 1000:.1f} s"
    if session.state == "idle in transaction":
        age += f", idle for {(session.state_ms or 0) / 1000:.1f} s"
    changed = f"{_changed(loss)}; {age}"
    if victim.how == "terminate":
        return changed
    if engine == "mariadb":
        return f"what this statement changed; the transaction stays, with its locks: {changed}"
    return (
        f"the whole transaction, not the statement alone: {changed}" if loss.is_block else changed
    )


def _changed(loss: LossRow) -> str:
    where = f" in {loss.tables}" if loss.tables else ""
    if loss.rows_changed is not None:
        count = f"{loss.rows_changed:,} {'row' if loss.rows_changed == 1 else 'rows'} changed"
        return (count if loss.rows_changed else "no row changed") + where
    if loss.has_changed:
        return f"all that transaction {loss.transaction_id} changed{where} (rows are not counted)"
    return "no row changed" + (f", locks{where}" if where else "")
