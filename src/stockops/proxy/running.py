"""A proxy as its starter has it: a process that ends with its starter."""

import json
import os
import socket
import sys
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from .. import children, scratch
from ..children import Child
from ..errors import ConfigError, Refused, Unreachable
from . import control
from .addresses import check_name, moved, socket_name
from .control import Counts
from .door import LOOPBACK, Address
from .toxics import Toxic

if TYPE_CHECKING:
    from ..targets import Target

START_S = 30.0
SOCKET_BYTES_MAX = 107  # sockaddr_un.sun_path on Linux holds 108, with the final NUL


class Proxy:
    """A proxy that runs; as a context manager it is ended at the end of the block."""

    def __init__(self, child: Child, folder: Path, address: Address, stack: ExitStack) -> None:
        self._child, self._stack = child, stack
        self.folder = folder
        self.address = address

    @property
    def control(self) -> Path:
        """The socket by which anybody of this user may `clear` it: the undo of every toxic."""
        return self.folder / control.CONTROL

    @property
    def port(self) -> int | None:
        """The port of 127.0.0.1 it listens on; None where that is a socket."""
        return None if isinstance(self.address, Path) else self.address[1]

    @property
    def socket(self) -> Path | None:
        """The Unix socket it listens on; None where that is a port."""
        return self.address if isinstance(self.address, Path) else None

    @property
    def pid(self) -> int:
        """The number of its process group."""
        return self._child.pid

    @property
    def lives(self) -> bool:
        """Whether it runs."""
        return self._child.lives

    def url(self, url: str) -> str:
        """Return the URL of the same database, through this proxy."""
        return moved(url, self.address)

    def before(self, target: "Target") -> "Target":
        """Return `target` as its clients have it that go through this proxy."""
        return replace(target, url=self.url(target.url))

    def set(self, *toxics: Toxic) -> None:
        """Put `toxics` in force, and nothing else; they are when this returns."""
        control.put(self.control, toxics)

    def clear(self) -> None:
        """Take all toxics away; what was held back arrives."""
        self.set()

    def lead(self, upstream: Address) -> None:
        """
        Stand before the server at `upstream` from now on, for clients that keep their address.

        Connections to the server of before are cut; toxics stay in force. Where it is the same one,
        nothing happens. `Refused` where a port would lead to a socket, as in `start`.
        """
        _check_way(upstream, is_port=self.port is not None)
        control.lead(self.control, upstream)

    def seen(self) -> Counts:
        """Return what it saw since it was started."""
        return control.seen(self.control)

    def end(self) -> None:
        """End it; connections through it break. Twice does nothing."""
        self._child.end()
        if isinstance(self.address, Path):
            self.address.unlink(missing_ok=True)
        for name in (control.CONTROL, control.STATE):
            (self.folder / name).unlink(missing_ok=True)
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()


def start(
    upstream: Address,
    *,
    engine: str,
    folder: Path,
    listen: Path | int | None = None,
    seed: int | None = None,
) -> Proxy:
    """
    Start a proxy before the server at `upstream`, and return it when it listens.

    `engine` says whose protocol is spoken; with an empty one no words can be lost. It listens on a
    Unix socket at `listen`, or on that port of 127.0.0.1 (0: a free one), or where None is given on
    a socket of its own. `folder`, which is there, takes its control socket, its state and its log.
    The same `seed` throws the same dice. `addresses.server_of` tells the upstream of a URL.
    """
    stack = ExitStack()
    try:
        place = _place(listen, engine, folder, stack)
        _check(upstream, place, engine)
        order: dict[str, Any] = {
            "upstream": str(upstream) if isinstance(upstream, Path) else [*upstream],
            "listen": str(place) if isinstance(place, Path) else place,
            "engine": engine,
            "folder": str(folder.absolute()),
            "seed": seed,
        }
        (folder / control.STATE).unlink(missing_ok=True)
        child, address = _served(order, folder)
        return Proxy(child, folder, address, stack)
    except BaseException:
        stack.close()
        raise


def _served(order: dict[str, Any], folder: Path) -> tuple[Child, Address]:
    """Start the process and return where it listens, once it does."""
    log = folder / "proxy.log"
    words = [sys.executable, "-P", "-m", "stockops.proxy", json.dumps(order)]
    child = children.start(words, cwd=Path.cwd(), log=log, env=os.environ)
    try:
        address = _listening(child, folder, log)
    except BaseException:
        child.end()
        raise
    return child, address


def _listening(child: Child, folder: Path, log: Path) -> Address:
    """Wait until the proxy answers, and return where it listens."""
    path = folder / control.CONTROL
    children.wait_until(lambda: child.code is not None or _answers(path), within_s=START_S)
    if not _answers(path):
        raise children.failed("the proxy did not start", log)
    at = json.loads((folder / control.STATE).read_bytes())["address"]
    return Path(at) if isinstance(at, str) else (str(at[0]), int(at[1]))


def _place(listen: Path | int | None, engine: str, folder: Path, stack: ExitStack) -> Path | int:
    if listen is not None:
        return listen
    inside = folder / socket_name(engine)
    # At a comma, libpq begins the next host.
    if len(os.fsencode(inside)) <= SOCKET_BYTES_MAX and "," not in str(inside):
        return inside
    return stack.enter_context(scratch.directory("proxy")) / inside.name


def _check(upstream: Address, place: Path | int, engine: str) -> None:
    _check_way(upstream, is_port=isinstance(place, int))
    if isinstance(place, int):
        return
    if engine == "postgresql":
        check_name(place)
    if len(os.fsencode(place)) > SOCKET_BYTES_MAX:
        raise ConfigError(
            f"the path {str(place)!r} is too long for a socket",
            hint=f"Take one of {SOCKET_BYTES_MAX} bytes at most.",
        )
    with suppress(OSError), socket.socket(socket.AF_UNIX) as knock:
        knock.settimeout(control.WITHIN_S)
        knock.connect(str(place))
        raise ConfigError(
            f"somebody listens at {str(place)!r} already", hint="Choose another path."
        )


def _check_way(upstream: Address, *, is_port: bool) -> None:
    if is_port and isinstance(upstream, Path):
        raise Refused(
            f"a port of {LOOPBACK} before the socket {str(upstream)!r} would let in every user "
            "of this machine, as servers ask for no password at their sockets",
            hint="Listen on a socket, or name the server by its host and port.",
        )


def _answers(path: Path) -> bool:
    try:
        control.seen(path)
    except Unreachable:
        return False
    return True
