"""A socket to a server."""

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any


def dial(where: Mapping[str, Any], *, timeout_s: float) -> socket.socket:
    """Return a connected socket that notices, within a minute, a peer that is gone."""
    if path := where.get("unix_socket"):
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            made.settimeout(timeout_s)
            made.connect(path)
        except BaseException:
            made.close()
            raise
        return made
    made = socket.create_connection((where["host"], where["port"]), timeout_s)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in ((socket.TCP_KEEPIDLE, 30), (socket.TCP_KEEPINTVL, 10)):
        made.setsockopt(socket.IPPROTO_TCP, option, value)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
    return made


class Line:
    """
    The socket of a session, as another thread may treat it.

    `asked_at` is when the statement was sent that is not answered yet, None where there is none.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._inode = os.fstat(descriptor).st_ino
        self.asked_at: float | None = None

    def hang_up(self) -> None:
        """Shut the socket down; nothing happens where the session has closed it already."""
        with suppress(OSError), socket.socket(fileno=os.dup(self._descriptor)) as handle:
            # The number may be another file's by now, the inode cannot.
            if os.fstat(handle.fileno()).st_ino == self._inode:
                handle.shutdown(socket.SHUT_RDWR)


class OnALine:
    """What a session lets other threads see of its socket, and do to it."""

    _line: Line

    @property
    def silent_s(self) -> float:
        """How long the server has owed the answer that is waited for; 0 where none is."""
        asked_at = self._line.asked_at
        return 0.0 if asked_at is None else time.monotonic() - asked_at

    def hang_up(self) -> None:
        """Cut the line, from any thread."""
        self._line.hang_up()
