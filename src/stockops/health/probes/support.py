"""Whether a server and its target are in a state to be relied upon: version, rights, protection."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ...errors import Fault, ServerError
from ...queries import Query
from ..outcome import Reading
from .context import Context
from .host import session

# The last day of support, as the projects state it: postgresql.org/support/versioning and
# mariadb.org/about/#maintenance-policy. PostgreSQL by major version, MariaDB by series.
ENDS: Mapping[str, Mapping[tuple[int, ...], tuple[int, int, int]]] = {
    "postgresql": {
        (15,): (2027, 11, 11),
        (16,): (2028, 11, 9),
        (17,): (2029, 11, 8),
        (18,): (2030, 11, 14),
    },
    "mariadb": {
        (10, 11): (2028, 2, 16),
        (11, 4): (2029, 5, 29),
        (11, 8): (2028, 6, 4),
    },
}


@dataclass(frozen=True, slots=True)
class Role:
    """Who asks, and what that role may do that somebody who watches need not; empty for nothing."""

    role: str
    too_much: str


@dataclass(frozen=True, slots=True)
class Password:
    """For how long the password of a login is valid still; below 0, since when it is not."""

    login: str
    left_s: float


ROLE = Query("standing/role", Role)
PASSWORDS = Query("standing/passwords", Password)
PASSWORDS_OVER = Query("standing/passwords_over", Password)


def excess(context: Context) -> Iterable[Reading]:
    """Give 1 where the role that asks may do more than watch, else 0; nothing for a private lab."""
    if context.target.lab is not None:
        return []
    said = session(context).fetch(ROLE)[0]
    return [
        Reading(
            subject=said.role, value=bool(said.too_much), detail=said.too_much or "it only watches"
        )
    ]


def password_expiry(context: Context) -> Iterable[Reading]:
    """Give for how long the password of each login is valid; nothing for one without an end."""
    server = session(context)
    try:
        found = server.fetch(PASSWORDS)
    except ServerError as exc:
        if exc.fault is not Fault.DENIED:
            raise
        found = server.fetch(PASSWORDS_OVER)
    for each in found:
        until = context.now + timedelta(seconds=each.left_s)
        said = f"is valid until {until:%Y-%m-%d %H:%M} UTC"
        yield Reading(
            subject=each.login,
            value=each.left_s,
            detail=said if each.left_s > 0 else "has expired: no new session is let in by it",
        )


def left(context: Context) -> Iterable[Reading]:
    """Give how long the server's version is still supported, in seconds, by its series."""
    server = session(context)
    major, minor = server.version
    series = (major,) if server.engine == "postgresql" else (major, minor)
    name = f"{server.engine} {'.'.join(map(str, series))}"
    end = ENDS[server.engine].get(series)
    if end is None:
        return [Reading(subject=name, value=None, detail="nobody here knows its end of support")]
    at = datetime(*end, tzinfo=UTC)
    left_s = (at - context.now).total_seconds()
    return [Reading(subject=name, value=left_s, detail=f"until {at:%Y-%m-%d}")]


def unprotected(context: Context) -> Iterable[Reading]:
    """Give 1 where the target is a server that is no lab of ours, and is not protected; else 0."""
    target = context.target
    bare = target.lab is None and not target.protected
    asked = "a private lab" if target.lab else "its data are not destroyed unasked"
    return [
        Reading(
            value=bare,
            detail="nothing asks before its data are destroyed: write protected: true"
            if bare
            else asked,
        )
    ]
