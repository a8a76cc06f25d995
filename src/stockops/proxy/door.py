"""Where clients knock: a socket that listens, and can stop listening without losing its place."""

import asyncio
import os
import socket
from collections.abc import Callable
from pathlib import Path

LOOPBACK = "127.0.0.1"
_BACKLOG = 1024

Address = Path | tuple[str, int]


class Door:
    """The listening socket at `place`: a path, or a port of the loopback (0: a free one)."""

    def __init__(self, place: Path | int, make: Callable[[], asyncio.Protocol]) -> None:
        self._make = make
        self._server: asyncio.Server | None = None
        self._holder: socket.socket | None = None  # keeps the port while nobody listens on it
        self.address: Address
        if isinstance(place, Path):
            self.address = place
        else:
            self._holder = _bound(place)
            self.address = (LOOPBACK, self._holder.getsockname()[1])

    @property
    def is_open(self) -> bool:
        """Whether somebody listens."""
        return self._server is not None

    async def open(self) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        if isinstance(self.address, Path):
            made = _listening_at(self.address)
            self._server = await loop.create_unix_server(self._make, sock=made, backlog=_BACKLOG)
        else:
            made = _bound(self.address[1])
            self._server = await loop.create_server(self._make, sock=made, backlog=_BACKLOG)

    def shut(self) -> None:
        """Listen no more: who knocks is refused."""
        if self._server is not None:
            self._server.close()
            self._server = None


def _bound(port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((LOOPBACK, port))
    except BaseException:
        made.close()
        raise
    return made


def _listening_at(path: Path) -> socket.socket:
    """Return a socket that listens under another name first: at `path` there is always one."""
    draft = path.with_name(f".{os.getpid()}")
    draft.unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.bind(str(draft))
        made.listen(_BACKLOG)
        draft.replace(path)
    except BaseException:
        made.close()
        raise
    return made
