"""Make room by what is proven not to be needed; everything else is left, and said why."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..engine.base import Server
from ..errors import Refused, ServerError
from ..plan import Step
from . import binlogs
from .binlogs import Proof
from .questions import SIZES, Slot, slots

_WAL_BYTES_MIN = 32 * 1024 * 1024
_MB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One statement that makes room: why it may be run, and about how much it frees."""

    sql: str
    why: str
    frees_bytes: int
    destroys: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What makes room, in order, and what is left as it is, with the reason."""

    actions: list[Action]
    left: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Freed:
    """What became of a statement: `freed_bytes` is what the server's log has less of afterwards."""

    action: str
    outcome: Literal["done", "failed"]
    freed_bytes: int
    note: str


def plan(server: Server, *, slot_names: Sequence[str], proof: Proof) -> Work:
    """
    Return what makes room on `server`, without doing it.

    PostgreSQL: slots whose log is lost, and of ours those in `slot_names` that nobody uses; then a
    checkpoint, by which the server itself removes log. MariaDB: the binary logs that `proof` has.
    """
    if server.engine == "mariadb":
        return _binary_logs(server, proof)
    return _log(server, slot_names)


def steps(work: Work) -> list[Step]:
    """Return what `carry_out` would do, in order."""
    return [
        Step(
            action=each.sql,
            why=f"{each.why}; frees up to {each.frees_bytes / _MB:,.1f} MiB",
            destroys=each.destroys,
        )
        for each in work.actions
    ]


def carry_out(server: Server, work: Work) -> list[Freed]:
    """Run each action, and return how much smaller the server's log is after it."""
    done = []
    before = _log_bytes(server)
    for each in work.actions:
        try:
            server.execute(each.sql)
        except ServerError as exc:
            done.append(Freed(action=each.sql, outcome="failed", freed_bytes=0, note=str(exc)))
            continue
        now = _log_bytes(server)
        freed = max(0, before - now)
        done.append(Freed(action=each.sql, outcome="done", freed_bytes=freed, note=""))
        before = now
    return done


def _log(server: Server, slot_names: Sequence[str]) -> Work:
    kept = {each.name: each for each in slots(server)}
    actions, left = [], []
    for name in slot_names:
        _require_droppable(kept.get(name), name)
    for slot in kept.values():
        if slot.is_active:
            continue
        if slot.name in slot_names or (slot.is_ours and slot.is_lost):
            actions.append(_drop(slot))
        elif slot.is_ours:
            left.append(
                f"slot {slot.name} keeps {slot.held_bytes / _MB:,.1f} MiB: name it with --slot "
                "where whoever used it will not come back"
            )
        else:
            left.append(
                f"slot {slot.name} keeps {slot.held_bytes / _MB:,.1f} MiB, and is not ours: SELECT "
                f"pg_drop_replication_slot('{slot.name}')"
            )
    sizes = server.fetch(SIZES, tables_max=1)
    log = sum(each.size_bytes for each in sizes if each.kind == "wal")
    waiting = sum(each.size_bytes for each in sizes if each.kind == "archive")
    frees = max(0, log - max(waiting, _WAL_BYTES_MIN))
    if actions or frees:
        why = "the server removes the log that nobody needs any more, and keeps the rest"
        actions.append(Action(sql="CHECKPOINT", why=why, frees_bytes=frees))
    if waiting:
        left.append(
            f"{waiting / _MB:,.1f} MiB of log wait for the archiver: stockops backup archive status"
        )
    left += [
        f"temporary files {each.name}: {each.size_bytes / _MB:,.1f} MiB; {each.note}"
        for each in sizes
        if each.kind == "temp"
    ]
    return Work(actions=actions, left=left)


def _require_droppable(slot: Slot | None, name: str) -> None:
    if slot is None:
        raise Refused(
            f"there is no replication slot {name!r}", hint="See them: stockops storage status"
        )
    if slot.is_active:
        raise Refused(
            f"the slot {name!r} is in use: it keeps what somebody reads now",
            hint="Stop who uses it first: stockops storage status",
        )
    if not slot.is_ours:
        raise Refused(
            f"the slot {name!r} was not made by stockops",
            hint=f"Whoever knows what it is for: SELECT pg_drop_replication_slot('{name}')",
        )


def _drop(slot: Slot) -> Action:
    why = "its log is lost, so that nobody can go on from it"
    if not slot.is_lost:
        why = "nobody uses it; whoever did must be made anew, an archive has a gap"
    return Action(
        sql=f"SELECT pg_drop_replication_slot('{slot.name}')",
        why=why,
        frees_bytes=slot.held_bytes,
        destroys=not slot.is_lost,
    )


def _binary_logs(server: Server, proof: Proof) -> Work:
    files = binlogs.listed(server)
    if not files:
        return Work(actions=[], left=["this server writes no binary log"])
    purge = binlogs.purge(server, files, proof)
    left = [f"binary logs: {purge.why_not}"] if purge.why_not else []
    actions = []
    if purge.first_kept:
        actions.append(
            Action(
                sql=f"PURGE BINARY LOGS TO '{purge.first_kept}'",
                why=purge.why,
                frees_bytes=purge.frees_bytes,
                destroys=not purge.is_proven,
            )
        )
    left += [
        f"{each.name} has {each.size_bytes / _MB:,.1f} MiB that nothing uses: {each.note}, and "
        "needs room for a second copy meanwhile"
        for each in server.fetch(SIZES, tables_max=5)
        if each.kind == "unused room"
    ]
    return Work(actions=actions, left=left)


def _log_bytes(server: Server) -> int:
    if server.engine == "mariadb":
        return sum(binlogs.listed(server).values())
    return sum(each.size_bytes for each in server.fetch(SIZES, tables_max=1) if each.kind == "wal")
