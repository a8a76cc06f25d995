"""Where the server of a URL is, and the URL of the same database somewhere else."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from ..errors import ConfigError
from .door import Address

_PORTS = {"postgresql": 5432, "mariadb": 3306}
_SOCKETS = {  # where clients look that are told of no host
    "postgresql": ("/var/run/postgresql/.s.PGSQL.{port}", "/tmp/.s.PGSQL.{port}"),  # noqa: S108
    "mariadb": (),
}
_PG_SOCKET = ".s.PGSQL."
_SOCKET_NAMES = {"postgresql": f"{_PG_SOCKET}5432", "mariadb": "mariadb.sock"}


def server_of(url: str) -> Address:
    """Return the socket, or the host and port, at which the server of `url` listens."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    if "unix_socket" in query:
        return Path(query["unix_socket"])
    host = query.get("hostaddr") or query.get("host") or unquote(parts.hostname or "")
    port = query.get("port") or str(parts.port or _PORTS.get(parts.scheme, 0))
    if "," in host or not port.isdigit():
        raise ConfigError(
            "a proxy stands before one server, and the URL names several",
            hint="Name one host and one port.",
        )
    if not host:
        usual = [Path(each.format(port=port)) for each in _SOCKETS[parts.scheme]]
        found = next((path for path in usual if path.exists()), None)
        return found or ("localhost", int(port))
    if host.startswith("/"):
        return Path(host) / f"{_PG_SOCKET}{port}"
    return host, int(port)


def moved(url: str, to: Address) -> str:
    """Return the URL of the same database at `to`."""
    parts = urlsplit(url)
    query: dict[str, Any] = dict(parse_qsl(parts.query))
    was = query.get("host") or parts.hostname or ""
    for key in ("host", "hostaddr", "port", "unix_socket"):
        query.pop(key, None)
    host, port = ("localhost", None) if isinstance(to, Path) else to
    if isinstance(to, Path) and parts.scheme == "mariadb":
        query["unix_socket"] = str(to)
    elif isinstance(to, Path):
        query["host"], port = str(to.parent), int(check_name(to).name.removeprefix(_PG_SOCKET))
    elif parts.scheme == "postgresql" and not was.startswith("/") and was not in {"", host}:
        # Certificates and passwords are looked up by the name of the host: it stays.
        query["hostaddr"], host = host, was
    user = f"{parts.username}@" if parts.username else ""
    place = f"{user}{host}" + (f":{port}" if port else "")
    return urlunsplit((parts.scheme, place, parts.path, urlencode(query, quote_via=quote), ""))


def socket_name(engine: str) -> str:
    """Return the file name that clients of `engine` expect of a socket."""
    return _SOCKET_NAMES.get(engine, "server.sock")


def check_name(path: Path) -> Path:
    """Return `path`, or raise `ConfigError` where no client of PostgreSQL could name it."""
    if not path.name.removeprefix(_PG_SOCKET).isdigit() or _PG_SOCKET not in path.name:
        raise ConfigError(
            f"PostgreSQL's clients do not find a socket that is called {path.name!r}",
            hint=f"Call it {_SOCKET_NAMES['postgresql']}, or the same with another number.",
        )
    return path
