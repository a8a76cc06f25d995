"""Numbers that the processes of a run share while it goes on: one writer for each."""

import mmap
from typing import NamedTuple

_STOP, _START, _SEALED, _FIRST = 0, 1, 2, 4
_DONE, _ACCEPTED, _BUSY_US, _COUNTED, _TROUBLE, _WIDTH = 0, 1, 2, 3, 4, 5
_BYTES = 8


class Totals(NamedTuple):
    """Answers, accepted requests; how long so many calls took; retries and lost answers."""

    done: int
    accepted: int
    busy_us: int
    counted: int
    troubles: int


class Board:
    """
    Shared memory of 64-bit numbers. Made before the processes are forked, which inherit it.

    `flags[0]` is the stop flag: the hot loop reads it without a call in between.
    """

    def __init__(self, clients: int) -> None:
        self._clients = clients
        self._memory = mmap.mmap(-1, (_FIRST + clients * _WIDTH) * _BYTES)
        self.flags = memoryview(self._memory).cast("q")

    def stop(self) -> None:
        """Ask every process of the run to come to its end."""
        self.flags[_STOP] = 1

    @property
    def stopped(self) -> bool:
        """Whether the run was asked to end."""
        return bool(self.flags[_STOP])

    def start(self, at_ns: int) -> None:
        """Tell the clients when to begin, by the clock that all processes share."""
        self.flags[_START] = at_ns

    @property
    def started_ns(self) -> int:
        """When the run begins; 0 until that is known."""
        return self.flags[_START]

    def add_sealed(self, rows: int) -> None:
        """Count audit rows that were sealed."""
        self.flags[_SEALED] += rows

    @property
    def sealed(self) -> int:
        """Audit rows sealed so far."""
        return self.flags[_SEALED]

    def done_at(self, client: int) -> int:
        """Return where in `flags` a client counts its answers, one by one."""
        return _FIRST + client * _WIDTH + _DONE

    def add(self, client: int, *, counted: int, accepted: int, busy_us: int) -> None:
        """Add a group of answers of one client: calls, accepted requests, time in all."""
        at = _FIRST + client * _WIDTH
        self.flags[at + _COUNTED] += counted
        self.flags[at + _ACCEPTED] += accepted
        self.flags[at + _BUSY_US] += busy_us

    def add_trouble(self, client: int) -> None:
        """Count one retry, lost answer or reconnection of a client."""
        self.flags[_FIRST + client * _WIDTH + _TROUBLE] += 1

    def totals(self) -> Totals:
        """Return the numbers of all clients together."""
        return Totals(
            *(
                sum(self.flags[_FIRST + n * _WIDTH + what] for n in range(self._clients))
                for what in range(_WIDTH)
            )
        )
