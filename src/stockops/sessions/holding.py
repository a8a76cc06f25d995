"""Who waits for whom, and what each of them holds and wants."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..engine.base import Server
from ..queries import Query
from .beyond import Beyond, beyond
from .questions import SessionRow, look, to_see
from .tree import Branch, forest

_SESSIONS_MAX = 500  # of which the locks are asked for: in a storm the first tell enough
_LOCKS_MAX = 20
_SUSPECTS_MAX = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class LockRow:
    """A lock that a session holds, or wants since `waited_ms`; `mode` is empty where not known."""

    session_id: int
    object: str
    mode: str
    is_granted: bool
    waited_ms: int | None

    def __str__(self) -> str:
        return f"{self.mode} on {self.object}" if self.mode else self.object


LOCKS = Query("sessions/locks", LockRow)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """
    A session of a tree of who waits for whom: `depth` 0 waits for nobody, the others for it.

    `waiting` is how many sessions wait for it, at any depth; `waited_s` how long it waits itself,
    on MariaDB in whole seconds for a row, and as long as its statement for all else. `session_id`
    is 0 for a prepared transaction, None where the server does not say who it is.
    """

    depth: int
    session_id: int | None
    login: str
    database_name: str
    application: str
    state: str
    waiting: int
    waited_s: float | None
    transaction_s: float | None
    wants: tuple[str, ...]
    holds: tuple[str, ...]
    is_privileged: bool | None
    spared: str | None
    sql_text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Locks:
    """
    Who waits for whom at this moment, the root most wait for first.

    `beyond` are roots that are no sessions; `suspects` the oldest open transactions, where the
    server does not say who holds the lock.
    """

    standing: list[Standing]
    beyond: list[Beyond]
    suspects: list[SessionRow]
    looked_at: int
    hidden: int
    remedy: str

    @property
    def waited_s_max(self) -> float | None:
        """How long the one that has waited longest waits; None where nobody waits."""
        return max((each.waited_s or 0.0 for each in self.standing if each.depth), default=None)


def locks(server: Server) -> Locks:
    """Return who waits for whom now, and for what."""
    sessions, waits = look(server)
    tree = forest(waits, sessions)
    found = _locks_of(server, tree)
    hidden = sum(each.state == "hidden" for each in sessions)
    roots = {each.session_id for each in tree if each.depth == 0}
    waiting = {each.session_id for each in tree if each.depth}
    return Locks(
        standing=[_standing(branch, found.get(branch.session_id or 0, [])) for branch in tree],
        beyond=beyond(server, roots),
        suspects=_suspects(sessions, waiting) if None in roots else [],
        looked_at=len(sessions) - hidden,
        hidden=hidden,
        remedy=to_see(server) if hidden else "",
    )


def _locks_of(server: Server, tree: Sequence[Branch]) -> dict[int, list[LockRow]]:
    numbers = [str(each.session_id) for each in tree[:_SESSIONS_MAX] if each.session_id]
    found: dict[int, list[LockRow]] = {}
    if numbers:
        rows = server.fetch(LOCKS, session_ids=",".join(numbers), locks_max=_LOCKS_MAX)
        for row in rows:
            found.setdefault(row.session_id, []).append(row)
    return found


def _suspects(sessions: Sequence[SessionRow], waiting: set[int | None]) -> list[SessionRow]:
    opened = [
        each
        for each in sessions
        if each.transaction_ms is not None and each.session_id not in waiting and not each.spared
    ]
    return sorted(opened, key=lambda each: -(each.transaction_ms or 0))[:_SUSPECTS_MAX]


def _standing(branch: Branch, locks: Sequence[LockRow]) -> Standing:
    session = branch.session
    wanted = [each for each in locks if not each.is_granted]
    waits_ms = [each.waited_ms for each in wanted if each.waited_ms is not None]
    wants = tuple(map(str, wanted)) or ((branch.what,) if branch.what else ())
    return Standing(
        depth=branch.depth,
        session_id=branch.session_id,
        login=session.login if session else "",
        database_name=session.database_name if session else "",
        application=session.application if session else "",
        state=session.state if session else _unseen(branch),
        waiting=branch.waiting,
        waited_s=_seconds(max(waits_ms, default=None)),
        transaction_s=_seconds(session.transaction_ms if session else None),
        wants=wants,
        holds=tuple(str(each) for each in locks if each.is_granted),
        is_privileged=session.is_privileged if session else None,
        spared=session.spared if session else None,
        sql_text=session.sql_text if session else "",
    )


def _seconds(length_ms: int | None) -> float | None:
    return None if length_ms is None else length_ms / 1000


def _unseen(branch: Branch) -> str:
    if branch.session_id == 0:
        return "prepared transaction"
    return "not known" if branch.session_id is None else "gone by now"
