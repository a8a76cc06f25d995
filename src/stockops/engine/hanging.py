"""Where a way to a server hangs: before anybody takes the connection, or before the answer."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal, Protocol

from ..errors import ServerError, Unreachable

Phase = Literal["connect", "answer"]

ANSWER_HUNG = (
    "The server, or a proxy or pooler before it, hangs: look at its machine, and try the way past "
    "the proxy."
)
QUICK_S = 30.0  # what only looks a few things up has its answers by then, waits for locks included
_KNOCK_S = 1.0
_SAID: Mapping[Phase, tuple[str, str]] = {
    "connect": (
        "nobody took the connection within {:g} s (connect timed out)",
        "Is its machine up, and does a firewall on the way drop packets? Check the URL's host and "
        "port.",
    ),
    "answer": (
        "the connection was taken, and no answer came within {:g} s (answer timed out)",
        ANSWER_HUNG,
    ),
}


def hung(name: str, phase: Phase, *, within_s: float) -> Unreachable:
    """Return the error for the target `name`, to which the way hangs."""
    said, hint = _SAID[phase]
    return Unreachable(f"no session at {name!r}: {said.format(within_s)}", hint=hint)


def told(name: str, exc: BaseException, *, within_s: float) -> Unreachable | None:
    """Return the error where `exc` says that a socket's time was over; None where it is another."""
    if isinstance(exc, TimeoutError):
        return hung(name, "connect", within_s=within_s)
    return hung(name, "answer", within_s=within_s) if "timed out" in str(exc) else None


class Cuttable(Protocol):
    """A session, or its socket, that another thread can hang up."""

    def hang_up(self) -> None:
        """Cut the line: whoever waits for an answer stops waiting."""


@contextmanager
def answering(line: Cuttable, name: str, *, within_s: float) -> Iterator[None]:
    """Hang up if the block, which asks the target `name`, takes longer than `within_s`; say so."""
    is_late = threading.Event()

    def cut() -> None:
        is_late.set()
        line.hang_up()

    timer = threading.Timer(within_s, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    except ServerError as exc:
        if is_late.is_set():
            raise hung(name, "answer", within_s=within_s) from exc
        raise
    finally:
        timer.cancel()


def phase_of(params: Mapping[str, Any]) -> Phase:
    """
    Return what hung, after libpq gave up on `params` and did not say.

    It is found out by a knock: that takes a second at most. Of several hosts it is not known, and
    "answer" is said; who listens at a Unix socket always takes the connection.
    """
    host, port = str(params.get("hostaddr") or params.get("host") or ""), params.get("port")
    if not host or host.startswith(("/", "@")) or "," in host:
        return "answer"
    try:
        socket.create_connection((host, int(port or 5432)), _KNOCK_S).close()
    except TimeoutError:
        return "connect"
    except (OSError, ValueError):
        pass  # it is another thing by now
    return "answer"
