"""End statements and sessions by rule: choose, say why, end just those, and look what became."""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from .. import queries
from ..engine.base import Server
from ..errors import Fault, ServerError
from . import tree
from .beyond import Beyond, beyond
from .questions import SessionRow, look, to_end, to_see

How = Literal["cancel", "terminate"]
Became = Literal["cancelled", "gone", "moved on", "still there", "still blocks", "not allowed"]

_LOOK_EVERY_S = 0.25  # MariaDB answers from a stale copy when asked more often than every 0.1 s
_SQL_CHARACTERS = 120
# What a server says of a session that is not there, or not there any more in this way.
_OVER = frozenset({"1094", "1957"})

STANDING: frozenset[Became] = frozenset({"still there", "still blocks", "not allowed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """
    Which sessions are meant; all that is given must hold.

    `longer_than_s` is of a running statement, `idle_s` of a transaction in which nothing runs; with
    both, either will do. `blocking`: others wait for it, and it waits for nobody.
    """

    longer_than_s: float | None = None
    idle_s: float | None = None
    users: tuple[str, ...] = ()
    databases: tuple[str, ...] = ()
    matching: re.Pattern[str] | None = None
    blocking: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing, and would mean everybody."""
        return self == Rule()


@dataclass(frozen=True, slots=True, kw_only=True)
class Victim:
    """A session that will be ended, or whose statement will: how, why, and how many wait for it."""

    session: SessionRow
    how: How
    why: str
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Spared:
    """A session that the rule means and that stays; `stands` where what was asked for is undone."""

    session: SessionRow
    why: str
    stands: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """
    What a rule means at this moment. `hidden` sessions could not be looked at.

    `kept` of those looked at are never ended, whatever the rule. `beyond` is what others wait for
    and no session is, where the rule means those in the way.
    """

    victims: list[Victim]
    spared: list[Spared]
    beyond: list[Beyond]
    looked_at: int
    kept: int
    hidden: int
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Killed:
    """What became of a victim."""

    session_id: int
    login: str
    database_name: str
    application: str
    how: How
    outcome: Became
    waiting: int
    why: str
    sql_text: str


def plan(server: Server, rule: Rule, *, how: How | None = None) -> Plan:
    """
    Choose what `rule` means now; nothing is ended.

    Without `how`, a running statement is cancelled, and a session that is idle in a transaction is
    terminated, since there is nothing to cancel. Spared are this session, replication, backups,
    processes of the server, and, unless the rule names their user, those who administer it.
    """
    sessions, waits = look(server)
    behind, first = tree.waiting_for(waits), tree.roots(waits)
    victims, spared = [], []
    for session in sessions:
        if rule.blocking and session.session_id not in first:
            continue
        if not _meant(session, rule):
            continue
        mode: How = how or ("cancel" if session.state == "active" else "terminate")
        if why_not := _why_not(session, rule, mode):
            stands = rule.blocking or session.spared is None
            spared.append(Spared(session=session, why=why_not, stands=stands))
            continue
        waiting = behind.get(session.session_id, 0)
        why = _why(session, waiting)
        victims.append(Victim(session=session, how=mode, why=why, waiting=waiting))
    hidden = sum(each.state == "hidden" for each in sessions)
    return Plan(
        victims=victims,
        spared=spared,
        beyond=beyond(server, first) if rule.blocking else [],
        looked_at=len(sessions) - hidden,
        kept=sum(each.spared is not None for each in sessions),
        hidden=hidden,
        remedy=to_see(server) if hidden else "",
    )


def carry_out(server: Server, victims: Sequence[Victim], *, within_s: float) -> list[Killed]:
    """
    End `victims`, and return what became of each after at most `within_s`.

    The server checks, in the statement that ends it, that a session is still at the statement (or
    the pause) for which it was chosen: what has moved on is let go.
    """
    sent = {victim.session.session_id: _send(server, victim) for victim in victims}
    deadline = time.monotonic() + within_s
    while True:
        became = _became(server, victims, sent)
        if not STANDING & set(became) - {"not allowed"} or time.monotonic() > deadline:
            return [_killed(*each) for each in zip(victims, became, strict=True)]
        time.sleep(_LOOK_EVERY_S)


def _meant(session: SessionRow, rule: Rule) -> bool:
    if session.state not in {"active", "idle in transaction"}:
        return False
    if rule.users and session.login not in rule.users:
        return False
    if rule.databases and session.database_name not in rule.databases:
        return False
    if rule.matching and not rule.matching.search(session.sql_text):
        return False
    if rule.longer_than_s is None and rule.idle_s is None:
        return True
    limit_s = rule.longer_than_s if session.state == "active" else rule.idle_s
    age_ms = session.statement_ms if session.state == "active" else session.state_ms
    return limit_s is not None and (age_ms or 0) >= limit_s * 1000


def _why_not(session: SessionRow, rule: Rule, how: How) -> str | None:
    if session.spared:
        return session.spared
    if session.is_privileged and session.login not in rule.users:
        return f"{session.login!r} administers the server: name it with --user {session.login}"
    if session.is_privileged is None and session.login not in rule.users:
        return (
            f"whether {session.login!r} administers the server may not be known to this role: "
            f"name it with --user {session.login}"
        )
    if how == "cancel" and session.state != "active":
        return "it runs nothing that could be cancelled: use --terminate"
    return None


def _why(session: SessionRow, waiting: int) -> str:
    if session.state == "active":
        words = f"runs for {(session.statement_ms or 0) / 1000:.1f} s"
    else:
        words = f"idle in a transaction for {(session.state_ms or 0) / 1000:.1f} s"
    if waiting:
        words += f", {waiting} {'waits' if waiting == 1 else 'wait'} for it"
    return f"{session.login}@{session.database_name or '-'} {words}"


def _send(server: Server, victim: Victim) -> Became | None:
    """Ask the server to end `victim`; None when it was asked, else why not."""
    session = victim.session
    sql = queries.text(server.engine, f"killing/{victim.how}", server.version[0])
    try:
        count = server.execute(
            sql,
            {
                "session_id": session.session_id,
                "began": session.began,
                "mark": int(session.mark) if server.engine == "mariadb" else session.mark,
                "is_idle": session.state != "active",
            },
        )
    except ServerError as exc:
        if exc.code in _OVER:
            return "moved on"
        if exc.fault is Fault.DENIED:
            return "not allowed"
        raise
    return "moved on" if server.engine == "postgresql" and not count else None


def _became(
    server: Server, victims: Sequence[Victim], sent: Mapping[int, Became | None]
) -> list[Became]:
    """Return what has become of each of `victims` by now."""
    if not victims:
        return []
    sessions, waits = look(server)
    now = {each.session_id: each for each in sessions}
    behind = tree.waiting_for(waits)
    return [
        sent[victim.session.session_id]
        or _found(victim, now.get(victim.session.session_id), behind)
        for victim in victims
    ]


def _found(victim: Victim, now: SessionRow | None, behind: Mapping[int, int]) -> Became:
    if now is None or now.began != victim.session.began:
        return "gone"
    if victim.how == "terminate" or now.is_same == victim.session.is_same:
        return "still there"
    # On MariaDB the transaction of a cancelled statement goes on, with its locks.
    return "still blocks" if victim.waiting and now.session_id in behind else "cancelled"


def _killed(victim: Victim, outcome: Became) -> Killed:
    session = victim.session
    return Killed(
        session_id=session.session_id,
        login=session.login,
        database_name=session.database_name,
        application=session.application,
        how=victim.how,
        outcome=outcome,
        waiting=victim.waiting,
        why=victim.why,
        sql_text=session.sql_text,
    )


def right_to_end(server: Server, killed: Sequence[Killed]) -> str | None:
    """Return the GRANT that was lacking, where it was."""
    return to_end(server) if any(each.outcome == "not allowed" for each in killed) else None


def words(victim: Victim, engine: str) -> str:
    """Return the statement that ends `victim`."""
    session = victim.session
    if engine == "mariadb":
        return (
            f"KILL QUERY ID {session.mark}"
            if victim.how == "cancel"
            else f"KILL CONNECTION {session.session_id}"
        )
    return f"SELECT pg_{victim.how}_backend({session.session_id})"


def shortened(sql: str) -> str:
    """Return `sql` on one line that a terminal bears."""
    text = " ".join(sql.split())
    return text if len(text) <= _SQL_CHARACTERS else text[: _SQL_CHARACTERS - 1] + "…"
