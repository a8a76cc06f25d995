"""The process that seals the audit chain while a run goes on, so that no order waits for it."""

import signal
import time
from contextlib import suppress

from ..engine import connect
from ..engine.base import Server
from ..errors import StockopsError
from .board import Board
from .seat import Seat, Stopped

EVERY_S = 1.5
_LAST_S = 20.0  # for what is left at the end


def seal_until_stopped(seat: Seat) -> None:
    """Seal every second or two until the run is over, and then what is left."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
    over = False
    while not over:
        with suppress(StockopsError):  # the server went: the next round connects again
            over = _seal_while_connected(seat)
        if not over:
            try:
                seat.nap(EVERY_S)
            except Stopped:
                over = True


def _seal_while_connected(seat: Seat) -> bool:
    """Seal on one connection; return True at the end of the run."""
    from ..audit import seal  # noqa: PLC0415  only a run pays for it

    with connect(seat.target, application="stockops seal", bulk=True) as server:
        while True:
            rows = seal(server)
            seat.board.add_sealed(rows)
            until = time.monotonic() + EVERY_S
            try:
                while (left_s := until - time.monotonic()) > 0:
                    seat.nap(left_s)
            except Stopped:
                _seal_the_rest(server, seat.board)
                return True


def _seal_the_rest(server: Server, board: Board) -> None:
    from ..audit import seal  # noqa: PLC0415  only a run pays for it

    deadline = time.monotonic() + _LAST_S
    while (rows := seal(server)) and time.monotonic() < deadline:
        board.add_sealed(rows)
