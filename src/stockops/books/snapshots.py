"""
One snapshot for two sessions, so that two cores can read the books as of one moment.

PostgreSQL hands a snapshot on. MariaDB does not: there both begin until both stand at the same
place of the binary log, which takes no lock; where that never happens, one session reads alone.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from typing import TypeVar

from .. import queries
from ..engine.base import Server
from ..engine.sharing import SESSIONS, share
from ..errors import ServerError

_TRIES_MAX = 20
Item = TypeVar("Item")


@contextmanager
def one_moment(server: Server, helper: Server | None) -> Iterator[list[Server]]:
    """
    Give the sessions that see one snapshot for the length of the block, `server` first.

    Nobody writes in it. `helper` is left out where it cannot see the same.
    """
    if helper is None:
        with _reading(server):
            yield [server]
        return
    take = _hand_on if server.engine == "postgresql" else _meet
    with take(server, helper) as sessions:
        for each in sessions:
            each.execute(queries.text(each.engine, "checking/session", each.version[0]))
        yield sessions


@contextmanager
def of_still_rows(
    connected: Callable[[], AbstractContextManager[Server]],
) -> Iterator[list[Server]]:
    """Give two sessions with snapshots of their own: where nobody writes, they see the same."""
    with ExitStack() as begun:
        sessions = [begun.enter_context(connected()) for _ in range(SESSIONS)]
        for each in sessions:
            begun.enter_context(_reading(each))
        yield sessions


def each_once(
    sessions: list[Server], items: list[Item], do: Callable[[Server, Item], None]
) -> None:
    """Do all of `items`, each in whichever of `sessions` is free."""
    if len(sessions) == 1:
        for item in items:
            do(sessions[0], item)
        return
    free = list(sessions)
    try:
        share(lambda: nullcontext(free.pop()), items, do)
    except BaseException as exc:
        if not isinstance(exc, Exception):  # Ctrl-C: another thread may be at a statement
            for each in sessions[1:]:
                each.hang_up()
        raise


@contextmanager
def _reading(server: Server) -> Iterator[None]:
    with server.transaction(isolation="repeatable read", read_only=True):
        server.execute(queries.text(server.engine, "checking/session", server.version[0]))
        yield


@contextmanager
def _hand_on(server: Server, helper: Server) -> Iterator[list[Server]]:
    with server.transaction(isolation="repeatable read", read_only=True):
        moment = _moment(server)
        helper.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            helper.execute(f"SET TRANSACTION SNAPSHOT '{moment}'")
            yield [server, helper]
        finally:
            with suppress(ServerError):
                helper.execute("ROLLBACK")


@contextmanager
def _meet(server: Server, helper: Server) -> Iterator[list[Server]]:
    for _ in range(_TRIES_MAX):
        with ExitStack() as begun:
            for each in (server, helper):
                begun.enter_context(each.transaction(isolation="repeatable read", read_only=True))
            places = {_moment(each) for each in (server, helper)}
            if len(places) == 1 and places != {""}:
                yield [server, helper]
                return
    with server.transaction(isolation="repeatable read", read_only=True):
        yield [server]


def _moment(server: Server) -> str:
    sql = queries.text(server.engine, "checking/moment", server.version[0])
    return str(server.rows(sql)[0]["moment"])
