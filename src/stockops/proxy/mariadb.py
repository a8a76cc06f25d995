"""MariaDB's protocol, as far as a proxy must know it."""

from collections import deque
from struct import Struct

from .framing import KEPT_BYTES, Frame, Framer
from .talk import Asked, Cut, Told

_HEADER = Struct("<I")  # a length of three bytes, and the packet's number
_NUMBER = 3
_SSL, _COMPRESS, _NOT_MARIADB = 1 << 11, 1 << 5, 1 << 0
_NO_EOF = 1 << 24  # an OK ends the rows, and nothing ends the columns
_CACHED_COLUMNS = 1 << 4  # of MariaDB's own flags: columns may be left out
_SSL_REQUEST_BYTES = 36
_OK, _FILE, _END, _ERROR = 0x00, 0xFB, 0xFE, 0xFF
_PROGRESS = b"\xff\xff\xff"  # looks like an error, and is none
_IN_TRANSACTION, _MORE_RESULTS = 0x01, 0x08
_SPLIT_BYTES = 0xFFFFFF
_END_BYTES_MAX = 9
_WIDTHS = {0xFC: 2, 0xFD: 3, 0xFE: 8}

_QUIT, _QUERY, _FIELDS, _STATISTICS, _CHANGE_USER, _DUMP = 0x01, 0x03, 0x04, 0x09, 0x11, 0x12
_PREPARE, _EXECUTE, _LONG_DATA, _CLOSE, _FETCH, _BULK = 0x16, 0x17, 0x18, 0x19, 0x1C, 0xFA
_UNANSWERED = {_QUIT, _LONG_DATA, _CLOSE}
_LAST_PREPARED = b"\xff\xff\xff\xff"


class MariaDBTalk:
    """The conversation of one connection to MariaDB."""

    def __init__(self) -> None:
        self.blind = ""
        self._up, self._down = _framer(), _framer()
        self._phase = "greeting"
        self._offered = self._flags = self._own_flags = 0
        self._prepared: dict[bytes, str] = {_LAST_PREPARED: ""}
        self._asked: deque[tuple[int, str]] = deque()  # the command, and its text
        self._part = "head"
        self._skip = 0  # packets until `_part` begins
        self._status = 0
        self._failed = self._is_streaming = self._is_split = False

    @property
    def answering(self) -> bool:
        """Whether an answer that is to be taken whole is on its way."""
        return bool(self._asked) and not self._is_streaming

    def up(self, data: bytes) -> list[Cut]:
        """Follow what the client sends; return where requests end in it."""
        if self.blind:
            return [(len(data), None)]
        cuts: list[Cut] = []
        for frame in self._up.take(data):
            inside, start, stop, end = frame
            if self._phase != "talk":
                if self._phase == "reply":
                    self._login(inside[start:stop])
                cuts.append((len(data), None))
                break
            is_first = inside[start + _NUMBER] == 0 and stop > start + _HEADER.size
            cuts.append((end, self._request(_body(frame)) if is_first else None))
        return cuts

    def down(self, data: bytes) -> list[Cut]:
        """Follow what the server sends; return where answers end in it."""
        if self.blind:
            return [(len(data), None)]
        cuts: list[Cut] = []
        for frame in self._down.take(data):
            inside, start, _, end = frame
            size, body = _HEADER.unpack_from(inside, start)[0] & _SPLIT_BYTES, _body(frame)
            was_split, self._is_split = self._is_split, size == _SPLIT_BYTES
            if was_split or not body:
                continue
            if self._phase != "talk":
                self._greet(body)
                cuts.append((end, None))
            elif not self._asked:  # its last words
                cuts.append((end, None))
            elif self._is_over(body, size):
                cuts.append((end, self._answer()))
            elif self._is_streaming:
                cuts.append((end, None))
        return cuts

    def _greet(self, body: bytes) -> None:
        """Follow the server until the login is over."""
        if self._phase == "greeting" and body[0] != _ERROR:
            at = body.index(0) + 14  # the version; a thread, half a challenge
            self._offered = int.from_bytes(body[at : at + 2] + body[at + 5 : at + 7], "little")
            self._phase = "reply"
        elif self._phase == "login" and body[0] == _OK:
            self._phase = "talk"
            if self._flags & _COMPRESS:
                self.blind = "compression"

    def _login(self, packet: bytes) -> None:
        """Take in what the client asks of the connection."""
        flags = int.from_bytes(packet[4:8], "little")
        if flags & _SSL and len(packet) == _SSL_REQUEST_BYTES:
            self.blind = "TLS"
        self._flags = flags & (self._offered | _NOT_MARIADB)
        if not flags & _NOT_MARIADB:
            self._own_flags = int.from_bytes(packet[32:36], "little")
        self._phase = "login"

    def _request(self, body: bytes) -> Asked | None:
        """Take in a command; return what it asks, None where it can write nothing."""
        command, text = body[0], ""
        if command in {_QUERY, _PREPARE}:
            text = body[1:].decode("utf-8", "replace")
        elif command in {_EXECUTE, _BULK}:
            text = self._prepared.get(body[1:5], "")
        elif command == _DUMP:
            self.blind = "replication"
        elif command == _CLOSE:
            self._prepared.pop(body[1:5], None)
        if command == _PREPARE:
            self._prepared[_LAST_PREPARED] = text
        if command == _CHANGE_USER:
            self._phase = "login"
        elif command not in _UNANSWERED:
            if not self._asked:
                self._begin(command)
            self._asked.append((command, text))
        if command not in {_QUERY, _EXECUTE, _BULK}:
            return None
        return Asked(texts=(text,), alone=not self._status & _IN_TRANSACTION)

    def _begin(self, command: int) -> None:
        self._part = "rows" if command in {_FIELDS, _FETCH} else "head"
        self._skip = 0
        self._failed = self._is_streaming = False

    def _is_over(self, body: bytes, size: int) -> bool:
        """Take one packet of an answer in; return whether it is the last one."""
        if self._skip:
            self._skip -= 1
            return not self._skip and self._part == "end"
        if body[0] == _ERROR:
            self._failed = not body.startswith(_PROGRESS)
            return self._failed
        return self._row(body, size) if self._part == "rows" else self._head(body)

    def _row(self, body: bytes, size: int) -> bool:
        has_status = self._flags & _NO_EOF
        if body[0] != _END or size >= (_SPLIT_BYTES if has_status else _END_BYTES_MAX):
            return False
        self._status = _status(body) if has_status else body[3] | body[4] << 8
        return not self._has_more()

    def _head(self, body: bytes) -> bool:
        command = self._asked[0][0]
        if command == _STATISTICS or body[0] == _END:
            return True
        if body[0] == _OK:
            return self._is_prepared(body) if command == _PREPARE else self._is_done(body)
        if body[0] == _FILE:
            self._is_streaming = True  # the server waits for a file
            return False
        return self._columns(body)

    def _is_done(self, body: bytes) -> bool:
        self._status = _status(body)
        return not self._has_more()

    def _has_more(self) -> bool:
        self._part = "head"
        return bool(self._status & _MORE_RESULTS)

    def _is_prepared(self, body: bytes) -> bool:
        """Take in that a statement is prepared; its parameters and columns follow."""
        self._prepared[body[1:5]] = self._asked[0][1]
        counts = [body[5] | body[6] << 8, body[7] | body[8] << 8]
        ends = 0 if self._flags & _NO_EOF else 1
        self._part, self._skip = "end", sum(count + ends for count in counts if count)
        return not self._skip

    def _columns(self, body: bytes) -> bool:
        after = _after_number(body, 0)
        count = body[0] if after == 1 else int.from_bytes(body[1:after], "little")
        if self._own_flags & _CACHED_COLUMNS and len(body) > after and not body[after]:
            count = 0
        self._part, self._skip = "rows", count + (0 if self._flags & _NO_EOF else 1)
        return False

    def _answer(self) -> Told | None:
        command, text = self._asked.popleft()
        over = not self._failed and not self._status & _IN_TRANSACTION
        if self._asked:
            self._begin(self._asked[0][0])
        self._is_streaming = False
        if command not in {_QUERY, _EXECUTE, _BULK}:
            return None
        return Told(texts=(text,), over=over)


def _framer() -> Framer:
    return Framer(_HEADER, _HEADER.size, _SPLIT_BYTES)


def _body(frame: Frame) -> bytes:
    """Return the body of a packet, as far as anybody reads it."""
    inside, start, stop, _ = frame
    return inside[start + _HEADER.size : min(stop, start + KEPT_BYTES)]


def _status(body: bytes) -> int:
    """Return the status in an OK."""
    at = _after_number(body, _after_number(body, 1))
    return body[at] | body[at + 1] << 8


def _after_number(data: bytes, at: int) -> int:
    """Return the position after the length-coded number at `at`."""
    return at + 1 + _WIDTHS.get(data[at], 0)
