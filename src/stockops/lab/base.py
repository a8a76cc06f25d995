"""What a lab is, and what an engine must know to be run as one."""

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol
from urllib.parse import quote

from ..errors import ConfigError
from . import proc
from .account import Account

OWNER = "stockops"
DATABASE = "trading"
State = Literal["up", "down", "stale", "broken"]


@dataclass(frozen=True, slots=True)
class Shape:
    """Where an engine keeps what the lab looks for."""

    program: str
    pid_file: str
    socket: str  # a file name inside the directory of the sockets
    url: str
    tcp_url: str


SHAPES: Mapping[str, Shape] = {
    "postgresql": Shape(
        program="postgres",
        pid_file="postmaster.pid",
        socket=".s.PGSQL.{port}",
        url="postgresql://{user}@localhost:{port}/{database}?host={sockets}",
        tcp_url="postgresql://{user}@127.0.0.1:{port}/{database}",
    ),
    "mariadb": Shape(
        program="mariadbd",
        pid_file="mariadbd.pid",
        socket="mariadb.sock",
        url="mariadb://{user}@localhost/{database}?unix_socket={sockets}/mariadb.sock",
        tcp_url="mariadb://{user}@127.0.0.1:{port}/{database}",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """A private server that stockops made; it may be up or down."""

    name: str
    engine: str
    version: str  # as the program states it: "18.6", "10.11.19"
    directory: Path
    programs: Path  # the directory the server's program was found in
    user: str  # whom the server runs as
    sockets: Path
    owner: str = OWNER  # who may do everything in it, and needs no password at its socket
    port: int | None = None  # on 127.0.0.1; None: no TCP at all
    temporary: bool = False
    replica_of: str | None = None  # the lab that it replicates from
    replaced_by: str | None = None  # the lab that took over: this one must not start as it is
    through: tuple[str, ...] = ()  # a program that is given the server's command and becomes it
    through_switches: bool = False  # it is started as who we are, and becomes `user` by itself

    @property
    def shape(self) -> Shape:
        """Where this engine keeps what the lab looks for."""
        return SHAPES[self.engine]

    @property
    def data(self) -> Path:
        """The server's own data directory."""
        return self.directory / "data"

    @property
    def scratch(self) -> Path:
        """The server's temporary directory: in a shared one MariaDB removes the files of others."""
        return self.directory / "tmp"

    @property
    def log_path(self) -> Path:
        """The file that holds all the server ever said."""
        return self.directory / "server.log"

    @property
    def tcp_password_file(self) -> Path:
        """The file (0600) with the owner's password for TCP; the socket asks for none."""
        return self.directory / "password"

    @property
    def pid_file(self) -> Path:
        """The file the server writes its pid to."""
        return self.data / self.shape.pid_file

    @property
    def pid(self) -> int | None:
        """The pid of the running server; None when it is down, or died and left a pid file."""
        return proc.server(self.pid_file, program=self.shape.program, data=self.data)

    @property
    def socket(self) -> Path:
        """The Unix socket the server listens on."""
        return self.sockets / self.shape.socket.format(port=self.port or 5432)

    @property
    def state(self) -> State:
        """Up, down, stale (died without a word), or broken (there is no data)."""
        if self.pid is not None:
            return "up"
        if not self.data.is_dir():
            return "broken"
        return "stale" if self.pid_file.exists() else "down"

    def url(self, database: str = DATABASE, *, tcp: bool = False) -> str:
        """Return the URL of `database` over the socket, or over TCP where the lab has a port."""
        if tcp and self.port is None:
            raise ConfigError(
                f"the lab {self.name!r} has no port",
                hint=f"stockops lab down --name {self.name}; "
                f"stockops lab up --name {self.name} --port",
            )
        return (self.shape.tcp_url if tcp else self.shape.url).format(
            user=quote(self.owner, safe=""),
            port=self.port or 5432,
            database=quote(database, safe=""),
            sockets=quote(str(self.sockets)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LabStatus:
    """One lab, as `stockops lab status` shows it."""

    name: str
    engine: str
    version: str
    state: State
    pid: int | None
    url: str
    directory: Path
    size_bytes: int
    log: Path
    note: str  # what is unusual: why it is broken, who holds it; empty when nothing is
    replica_of: str  # the lab that it replicates from; empty when it follows nobody


@dataclass(frozen=True, slots=True)
class Programs:
    """An installed server: its version, and the directory its program is in."""

    version: str
    directory: Path


@dataclass(frozen=True, slots=True)
class Fill:
    """
    What makes the data directory of a lab out of another server's data.

    `put` does it as the account, and returns the settings that the server must run with. `owner`
    is who may do everything in that data; None where a lab makes an account for itself. Where the
    data are to go on `replica_of` another lab, `put` writes the configuration, too. `port` asks
    for a port on 127.0.0.1.
    """

    put: Callable[["Lab", Account], Mapping[str, str]]
    owner: str | None = None
    replica_of: str | None = None
    port: bool = False


class Engine(Protocol):
    """
    How one engine is found, initialised and started.

    To add one: write these members, a `Shape`, and a line in `stockops.lab.operations.ENGINES`.
    """

    usual_account: str
    guest: str  # the owner's name in the data of another server
    stop: signal.Signals  # end now, in good order, without waiting for clients
    stop_hard: signal.Signals

    def find(self, *, version: str | None, directory: Path | None) -> Programs:
        """Return what is installed; `Unsupported` with the command that installs it if nothing."""

    def readable(self, programs: Programs, account: Account) -> Programs:
        """Return `programs`, or a copy of them, such that `account` can run them."""

    def initialise(self, lab: Lab, account: Account, settings: Mapping[str, str]) -> None:
        """Make the data directory, the configuration, the owner and the database."""

    def adopt(self, lab: Lab, account: Account, settings: Mapping[str, str]) -> None:
        """Give the data directory that is there, of another server, a lab's configuration."""

    def farewell(self, lab: Lab) -> str:
        """Return the SQL that takes out of a server what `adopt` put in, before it is stopped."""

    def leave(self, lab: Lab) -> None:
        """Take out of the data directory what `adopt` put there; archiving stays off."""

    def command(self, lab: Lab) -> list[str]:
        """Return the command that starts the server."""

    def ready(self, lab: Lab) -> bool:
        """Tell whether the server answers."""

    def client(self, lab: Lab, database: str) -> list[str]:
        """Return the command of the engine's own client; it reads SQL from its input."""

    def password_sql(self, owner: str, password: str) -> str:
        """Return the SQL that lets `owner` in over TCP with `password` (letters and digits)."""
