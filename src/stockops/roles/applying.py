"""Give the monitor's role what it lacks, and make a login that has it; never a superuser."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..engine.base import Server
from ..errors import ConfigError, Refused
from ..passwords import Secret
from ..plan import Step
from . import hashing, rights
from .rights import CONNECTIONS_MAX, ROLE, Member

_HIDDEN = "'***'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """
    Somebody who is to log in as a monitor; `host` is where from, on MariaDB alone.

    Without a password PostgreSQL leaves it to pg_hba.conf, MariaDB takes the user of that name of
    the machine, at its Unix socket.
    """

    name: str
    host: str = "localhost"
    password: Secret | None = None

    def called(self, engine: str) -> str:
        """Return the name under which `engine` lists it."""
        return self.name if engine == "postgresql" else f"{self.name}@{self.host}"


@dataclass(frozen=True, slots=True)
class Planned:
    """A step as it is shown, and the statement that is sent, which may hold a hash."""

    step: Step
    sql: str


def plan(server: Server, database: str, login: Login | None = None) -> list[Planned]:
    """Return what is missing, in order; nothing where all is as it should be."""
    found = [
        Planned(Step(right.sql, right.why), right.sql) for right in rights.missing(server, database)
    ]
    if login is not None:
        _check(login)
        there = rights.members(server).get(login.called(server.engine))
        found += _of_login(server.engine, login, there)
    return found


def apply(server: Server, planned: Sequence[Planned]) -> int:
    """Run `planned`, on PostgreSQL all of it or nothing; return how many statements that were."""
    if server.engine == "postgresql":
        with server.transaction():
            for each in planned:
                server.execute(each.sql)
    else:
        for each in planned:
            server.execute(each.sql)
    return len(planned)


def _check(login: Login) -> None:
    if not login.name or "\0" in login.name:
        raise ConfigError("a login needs a name", hint="Name it: --login stockops_watch")
    if login.name == ROLE:
        raise ConfigError(
            f"{ROLE!r} is the role, and logs in as nobody",
            hint="Name a login of its own: --login stockops_watch",
        )


def _of_login(engine: str, login: Login, there: Member | None) -> list[Planned]:
    if there is not None and there.superuser:
        raise Refused(
            f"{there.name!r} is a superuser, and a monitor must not be one",
            hint="Name another login, or take that right away by hand.",
        )
    if engine == "postgresql":
        return _postgresql(login, there)
    return _mariadb(login, there)


def _postgresql(login: Login, there: Member | None) -> list[Planned]:
    name = '"' + login.name.replace('"', '""') + '"'
    limit = f"CONNECTION LIMIT {CONNECTIONS_MAX}"
    secret = f" PASSWORD '{hashing.scram(login.password)}'" if login.password else ""
    shown = f" PASSWORD {_HIDDEN}" if login.password else ""
    if there is None:
        head = f"CREATE ROLE {name} LOGIN NOSUPERUSER {limit} IN ROLE {ROLE}"
        return [Planned(Step(head + shown, "who watches, with few sessions"), head + secret)]
    if there.connections_max == CONNECTIONS_MAX and not secret:
        return []
    head = f"ALTER ROLE {name} {limit}"
    return [Planned(Step(head + shown, "few sessions for who watches"), head + secret)]


def _mariadb(login: Login, there: Member | None) -> list[Planned]:
    name = f"{_quoted(login.name)}@{_quoted(login.host)}"
    limit = f"WITH MAX_USER_CONNECTIONS {CONNECTIONS_MAX}"
    if login.password is None and login.host != "localhost":
        raise ConfigError(
            f"who logs in from {login.host!r} needs a password",
            hint="Write it into a file of your own (chmod 600) and name that: --password-file FILE",
        )
    by = " IDENTIFIED VIA unix_socket"
    shown = by
    if login.password:
        by, shown = f" IDENTIFIED BY PASSWORD '{hashing.native(login.password)}'", ""
        shown = f" IDENTIFIED BY PASSWORD {_HIDDEN}"
    if there is not None:
        if there.connections_max == CONNECTIONS_MAX and not login.password:
            return []
        by, shown = (by, shown) if login.password else ("", "")
        head = f"ALTER USER {name}"
        why = "few sessions for who watches"
        return [Planned(Step(f"{head}{shown} {limit}", why), f"{head}{by} {limit}")]
    head = f"CREATE USER {name}"
    rest = {
        f"GRANT {ROLE} TO {name}": "what a monitor needs, and nothing else",
        f"SET DEFAULT ROLE {ROLE} FOR {name}": "in force from the login on",
    }
    why = "who watches, with few sessions"
    return [
        Planned(Step(f"{head}{shown} {limit}", why), f"{head}{by} {limit}"),
        *(Planned(Step(sql, why), sql) for sql, why in rest.items()),
    ]


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
