"""A socket to a server."""

import socket
from collections.abc import Mapping
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
