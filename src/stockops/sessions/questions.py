"""What is asked of a server about its sessions."""

from dataclasses import dataclass
from typing import Literal

from ..engine.base import Server
from ..errors import Fault, ServerError
from ..queries import Query

State = Literal["active", "idle in transaction", "idle", "hidden", "not known"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """
    A session of the server.

    `began` and `mark` name one statement, or one pause, of one session: they never come again.
    `wait` is what an active one waits for, empty where it computes. `statement_ms` is the age of
    the statement, of an idle session the last one; `state_ms` how long it is in its state.
    `is_privileged` is None where the role may not know it; `spared` says why it must not be ended.
    """

    session_id: int
    began: str
    mark: str
    login: str
    database_name: str
    application: str
    state: State
    wait: str
    statement_ms: int | None
    transaction_ms: int | None
    state_ms: int | None
    is_privileged: bool | None
    spared: str | None
    sql_text: str

    @property
    def is_same(self) -> tuple[int, str, str, str]:
        """What stays equal as long as it is at the same statement, or in the same pause."""
        return (self.session_id, self.began, self.mark, self.state)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitRow:
    """Who waits for whom; `blocking_id` is None where the server does not say, 0 for no session."""

    waiting_id: int
    blocking_id: int | None
    what: str


@dataclass(frozen=True, slots=True)
class Who:
    """The role or account of the session that asks, as a GRANT writes it."""

    grantee: str


@dataclass(frozen=True, slots=True)
class Sees:
    """Whether the role of the session that asks is told what the sessions of others do."""

    sees_others: bool


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin of the server that is there."""

    name: str


ACTIVITY = Query("sessions/activity", SessionRow)
WAITS = Query("sessions/waits", WaitRow)
PLUGIN = Query("sessions/plugin", Plugin)
WAITS_BY_PLUGIN = Query("sessions/waits_by_plugin", WaitRow)
WHO = Query("sessions/who", Who)
SEES = Query("sessions/sees", Sees)

_TO_SEE = {
    "postgresql": ("GRANT pg_read_all_stats TO {}",),
    "mariadb": ("GRANT PROCESS ON *.* TO {}", "GRANT SELECT ON performance_schema.* TO {}"),
}
_TO_END = {
    "postgresql": ("GRANT pg_signal_backend TO {}",),
    "mariadb": ("GRANT CONNECTION ADMIN ON *.* TO {}",),
}


def to_see(server: Server) -> str:
    """Return the statements that let this session's role see the sessions of others."""
    return _granting(server, _TO_SEE[server.engine])


def to_end(server: Server) -> str:
    """Return the statement that lets this session's role end the sessions of others."""
    return _granting(server, _TO_END[server.engine])


def grantee(server: Server) -> str:
    """Return this session's role as a GRANT names it."""
    return server.fetch(WHO)[0].grantee


def _granting(server: Server, grants: tuple[str, ...]) -> str:
    who = grantee(server)
    return "; ".join(grant.format(who) for grant in grants)


def look(server: Server) -> tuple[list[SessionRow], list[WaitRow]]:
    """
    Return all sessions but this one, and which of them wait for whom.

    The two are asked one after the other: who waits by both of them does wait.
    """
    sessions = activity(server)
    waiting = {each.session_id for each in sessions if each.wait.startswith("Lock")}
    waits = server.fetch(WAITS) if waiting else []
    if any(wait.blocking_id is None for wait in waits) and server.fetch(PLUGIN):
        waits = _named(waits, server.fetch(WAITS_BY_PLUGIN))
    return sessions, [wait for wait in waits if wait.waiting_id in waiting]


def _named(waits: list[WaitRow], by_plugin: list[WaitRow]) -> list[WaitRow]:
    """Return `waits`, those without a holder replaced by what the plugin knows of them."""
    known = {wait.waiting_id for wait in by_plugin}
    nameless = {wait.waiting_id for wait in waits if wait.blocking_id is None}
    return [
        *(w for w in waits if w.blocking_id is not None or w.waiting_id not in known),
        *(w for w in by_plugin if w.waiting_id in nameless),
    ]


def may_not(exc: ServerError, do: str, *, grant: str) -> ServerError:
    """Return what to raise where a role may not `do` something, and `grant` would let it."""
    return ServerError(f"the role may not {do}: {exc}", fault=exc.fault, code=exc.code, hint=grant)


def activity(server: Server) -> list[SessionRow]:
    """Return every session but this one; names the GRANT where the role may not see them."""
    try:
        return server.fetch(ACTIVITY)
    except ServerError as exc:
        if exc.fault is not Fault.DENIED:
            raise
        raise may_not(
            exc, "see the sessions of others", grant=f"As an administrator: {to_see(server)}"
        ) from exc


def require_seen(server: Server) -> None:
    """Raise `ServerError` where the role may not see the sessions of others: to it all is quiet."""
    if not server.fetch(SEES)[0].sees_others:
        raise ServerError(
            "it may not see the sessions of others",
            fault=Fault.DENIED,
            code="",
            hint=f"As an administrator: {to_see(server)}",
        )
