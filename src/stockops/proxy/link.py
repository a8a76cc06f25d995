"""One connection of a client, and the one to the server that belongs to it."""

import asyncio
import socket
import struct
from collections.abc import Callable, Mapping
from typing import cast

from .lane import FULL_BYTES, Lane
from .mariadb import MariaDBTalk
from .postgresql import PostgreSQLTalk
from .switchboard import Switchboard
from .talk import Cut, Talk
from .toxics import LostReply, LostRequest

TALKS: Mapping[str, Callable[[], Talk]] = {
    "postgresql": PostgreSQLTalk,
    "mariadb": MariaDBTalk,
}
_LOSING: Mapping[str, type[LostReply] | type[LostRequest]] = {"up": LostRequest, "down": LostReply}
HELD_BYTES_MAX = 64 * 1024  # a longer request or answer goes on in parts; its end may yet be lost
_HARD = struct.pack("ii", 1, 0)  # SO_LINGER: close with an RST


class Side(asyncio.Protocol):
    """One end of a link: bytes that come from `way` of it, and a transport to write to."""

    def __init__(self, link: "Link", way: str) -> None:
        self._link, self._way = link, way
        self.transport: asyncio.Transport | None = None
        self.is_full = False  # what is written to it does not leave
        self.is_paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; nothing is read before there are two."""
        self.transport = cast("asyncio.Transport", transport)
        self.pause(True)
        self._link.made(self._way)

    def data_received(self, data: bytes) -> None:
        """Hand on what came."""
        self._link.take(self._way, data)

    def eof_received(self) -> bool:
        """Close: neither protocol has a use for half a connection."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the other end."""
        self._link.ended(self._way, hard=exc is not None)

    def pause_writing(self) -> None:
        """Let the other end wait."""
        self.is_full = True
        self._link.regulate()

    def resume_writing(self) -> None:
        """Go on."""
        self.is_full = False
        self._link.regulate()

    def write(self, data: bytes) -> None:
        """Send `data`, if there is still somebody."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def pause(self, wanted: bool) -> None:
        """Stop reading, or go on."""
        if self.transport is None or wanted == self.is_paused or self.transport.is_closing():
            return
        self.is_paused = wanted
        if wanted:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def close(self, *, hard: bool) -> None:
        """Close after what was written, or at once with an RST where there is one."""
        if self.transport is None or self.transport.is_closing():
            return
        if not hard:
            self.transport.close()
            return
        made: socket.socket = self.transport.get_extra_info("socket")
        if made.family != socket.AF_UNIX:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _HARD)
        self.transport.abort()


class Link:
    """Two ends and the two lanes between; `dial` connects to the server."""

    def __init__(
        self, board: Switchboard, *, number: int, engine: str, dial: Callable[["Link"], None]
    ) -> None:
        self.number = number
        self.client, self.server = Side(self, "up"), Side(self, "down")
        self._board, self._dial = board, dial
        self._talk = TALKS[engine]() if engine in TALKS else None
        self._lanes = {
            way: Lane(to.write, dice=board.dice, count=self._count, moved=self._moved)
            for way, to in (("up", self.server), ("down", self.client))
        }
        self._held = {"up": bytearray(), "down": bytearray()}
        self._holes: set[str] = set()
        self._is_doomed = board.dooms()
        self._is_dialled = self._is_over = self._is_hard = False
        self._ended: str | None = None  # the way whose sender closed first
        self._may_close = False  # the other side may learn of it

    @property
    def is_blind(self) -> bool:
        """Whether its words cannot be told, though they were to be."""
        return self._talk is not None and bool(self._talk.blind)

    def made(self, way: str) -> None:
        """Go on when a side is connected."""
        if way == "up":
            self._board.add(self)
            self.adapt()
        elif self._is_over:
            self.server.close(hard=True)
        else:
            self.regulate()

    def unanswered(self) -> None:
        """End the link, because there is no server."""
        self._board.counted["unanswered"] += 1
        self.reset()

    def adapt(self) -> None:
        """Do as the toxics say that are in force now."""
        for way, lane in self._lanes.items():
            before, lane.conditions = lane.conditions, self._board.conditions[way]
            if lane.conditions != before:
                lane.flush()
            if not self._board.swallows(way, self.number):
                self._holes.discard(way)
            elif way not in self._holes:
                self._holes.add(way)
                self._count("black_hole")
            if self._held[way] and not self._board.holds(_LOSING[way]):
                self._release(way)
        if not self._is_dialled and "up" not in self._holes and not self._is_over:
            self._is_dialled = True
            self._dial(self)
        self.regulate()

    def take(self, way: str, data: bytes) -> None:
        """Send what came from one side to the other, or lose it."""
        board = self._board
        board.counted[way] += len(data)
        if self._is_doomed and board.cuts_new():
            board.did["reset"] += 1
            self.reset()
            return
        if self._talk is None:
            self._lanes[way].push(data)
        else:
            cuts = self._talk.up(data) if way == "up" else self._talk.down(data)
            if way == "down":
                for _, words in cuts:
                    board.counted["exchanges"] += words is not None
            if self._held[way] or board.holds(_LOSING[way]):
                self._sift(way, data, cuts)
            else:
                self._lanes[way].push(data)
        if self._lanes[way].under_way_bytes > FULL_BYTES:
            self.regulate()

    def ended(self, way: str, *, hard: bool) -> None:
        """Tell the other side that this one is gone, after all that it had sent."""
        if self._is_over:
            return
        if self._ended is not None:
            self._finish()
            return
        self._ended, self._is_hard = way, hard
        self._release(way)
        late_s = self._board.slow_close_s
        if late_s:
            self._count("slow_close")
            asyncio.get_running_loop().call_later(late_s, self._let_close)
        else:
            self._let_close()

    def reset(self) -> None:
        """Cut both sides, and lose what is under way."""
        self._is_hard = True
        self._finish()

    def regulate(self) -> None:
        """Read from each side only as long as it can be passed on."""
        is_whole = self.client.transport is not None and self.server.transport is not None
        for way, source, to in (
            ("up", self.client, self.server),
            ("down", self.server, self.client),
        ):
            is_full = to.is_full or self._lanes[way].under_way_bytes > FULL_BYTES
            source.pause(not is_whole or is_full or way in self._holes)

    def _sift(self, way: str, data: bytes, cuts: list[Cut]) -> None:
        """Pass on what ends in `data`, but for what is to be lost; hold back what is not whole."""
        held, lane, at = self._held[way], self._lanes[way], 0
        for end, words in cuts:
            held += data[at:end]
            at = end
            if self._board.loses(words):
                held.clear()
                self.reset()
                return
            lane.push(bytes(held))
            held.clear()
        held += data[at:]
        talk = cast("Talk", self._talk)
        is_part = way == "up" or talk.answering
        if talk.blind or not is_part or len(held) > HELD_BYTES_MAX:
            self._release(way)

    def _release(self, way: str) -> None:
        if self._held[way]:
            self._lanes[way].push(bytes(self._held[way]))
            self._held[way].clear()

    def _count(self, name: str) -> None:
        self._board.did[name] += 1

    def _moved(self) -> None:
        """See whether the end can be told, or more be read."""
        if self._is_over:
            return
        if self._ended is None:
            self.regulate()
        elif self._may_close and not self._lanes[self._ended].under_way_bytes:
            self._finish()

    def _let_close(self) -> None:
        self._may_close = True
        self._moved()

    def _finish(self) -> None:
        """Close what is still open."""
        if self._is_over:
            return
        self._is_over = True
        for lane in self._lanes.values():
            lane.drop()
        self._board.links.pop(self.number, None)
        self._board.counted["blind"] += self.is_blind
        self.client.close(hard=self._is_hard)
        self.server.close(hard=self._is_hard)
