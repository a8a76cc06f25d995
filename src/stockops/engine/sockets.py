"""A socket to a server."""

import os
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
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
    """The socket of a session, as another thread may treat it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._inode = os.fstat(descriptor).st_ino

    @contextmanager
    def within(self, seconds: float | None) -> Iterator[None]:
        """Hang up if the block takes longer than `seconds`; None is for ever."""
        if seconds is None:
            yield
            return
        timer = threading.Timer(seconds, self.hang_up)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def hang_up(self) -> None:
        """Shut the socket down; nothing happens where the session has closed it already."""
        with suppress(OSError), socket.socket(fileno=os.dup(self._descriptor)) as handle:
            # The number may be another file's by now, the inode cannot.
            if os.fstat(handle.fileno()).st_ino == self._inode:
                handle.shutdown(socket.SHUT_RDWR)
