"""Whether a role may take a backup or receive the log: asked first, for a tool finds out late."""

from collections.abc import Mapping

from ..engine.base import Server
from ..errors import Refused
from ..roles import granted
from .manifest import Method
from .questions import LACKING, RIGHTS, Lacking

_SHOWN = 5  # of what a role lacks
_EVERYWHERE = ["RELOAD", "PROCESS", "BINLOG MONITOR"]
_HERE: Mapping[Method, list[str]] = {
    "physical": ["SELECT"],
    # Without TRIGGER mariadb-dump leaves triggers out, and says nothing. Seen on 10.11.
    "logical": ["SELECT", "SHOW VIEW", "TRIGGER", "EVENT"],
}
_RESCUE = ["CREATE", "INSERT", "ALTER", "DROP", "SELECT"]
_RECEIVE = ["BINLOG MONITOR", "REPLICATION SLAVE"]
_USERS = "mysql"  # whose tables hold the users that a dump brings along
_IDLE = (
    "SELECT a.role_name AS name FROM information_schema.applicable_roles AS a "
    "WHERE a.is_default = 'NO' AND a.role_name NOT IN (SELECT coalesce(e.role_name, '') "
    "FROM information_schema.enabled_roles AS e) ORDER BY a.role_name"
)


def require(server: Server, method: Method) -> None:
    """Raise `Refused` where the role of `server` may not take a backup by `method`."""
    if server.engine == "mariadb":
        lacking = _granted(server, _EVERYWHERE, _HERE[method])
        if method == "logical":
            lacking += _granted(server, [], ["SELECT"], database=_USERS)
    else:
        lacking = server.fetch(RIGHTS, method=method)
    _refuse(server, f"this role may not take a {method} backup", lacking)


def require_receiving(server: Server) -> None:
    """Raise `Refused` where the role may not receive the server's log."""
    if server.engine == "mariadb":
        lacking = _granted(server, _RECEIVE, [])
    else:
        lacking = server.fetch(RIGHTS, method="physical")
    _refuse(server, "this role may not receive the log", lacking)


def to_rescue(server: Server, *, table: str, space: str | None) -> list[Lacking]:
    """Return what the role lacks to bring `table` into the database, and to compare it there."""
    if server.engine == "mariadb":
        return sorted(_granted(server, [], _RESCUE), key=lambda each: each.needed)
    return server.fetch(LACKING, name=table, space=space)


def hint(server: Server) -> str:
    """Return what helps who lacks a right; a role of MariaDB gives nothing until it is active."""
    words = "Grant that, or name another role in -t."
    idle = [str(row["name"]) for row in server.rows(_IDLE)] if server.engine == "mariadb" else []
    if idle:
        words += f" It has {', '.join(idle)}, which is not active: SET DEFAULT ROLE {idle[0]}"
    return words


def _granted(
    server: Server, everywhere: list[str], here: list[str], *, database: str = ""
) -> list[Lacking]:
    [row] = server.rows("SELECT database() AS name")
    place = database or row["name"] or ""
    found = granted.lacking(server, place, everywhere=everywhere, here=here)
    return [Lacking(needed=right, place=place) for right, place in found]


def _refuse(server: Server, what: str, lacking: list[Lacking]) -> None:
    if not lacking:
        return
    named = ", ".join(f"{each.needed} on {each.place}" for each in lacking[:_SHOWN])
    more = f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else ""
    raise Refused(f"{what}: it lacks {named}{more}", hint=hint(server))
