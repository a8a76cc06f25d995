"""PostgreSQL's protocol, version 3, as far as a proxy must know it."""

from collections import deque
from struct import Struct

from .framing import KEPT_BYTES, Frame, Framer
from .talk import Asked, Cut, Told, first_word

_FIRST, _TYPED = Struct(">I"), Struct(">xI")
_ENCRYPTION = {80877103, 80877104}  # TLS, GSSAPI: asked for before anything else
_TLS_RECORD = 0x16
_IDLE = ord("I")
_READY, _DONE, _ERROR = b"ZCE"
_PARSE, _BIND, _QUERY, _SYNC, _FLUSH = b"PBQSH"
_NOTED = frozenset(b"PBC")
_TAG_BYTES_MAX = 64
_ASKS = frozenset(b"QSF")  # whole requests: a query, a batch up to its Sync, a function call
_GOES_ON = frozenset(b"HdcfpX")  # Flush, COPY data, a password, the end
_COPIES = frozenset(b"GHW")  # the server waits for data, or sends any amount of it
_ANY_TIME = frozenset(b"ANS")  # notifications, notices, settings: when nothing was asked, too


class PostgreSQLTalk:
    """The conversation of one connection to PostgreSQL."""

    def __init__(self) -> None:
        self.blind = ""
        self._startup: Framer | None = Framer(_FIRST, 0)
        self._up, self._down = Framer(_TYPED, 1), Framer(_TYPED, 1)
        self._is_offered = False  # encryption, and the server has not said yes or no
        self._prepared: dict[bytes, str] = {}
        self._texts: list[str] = []  # of the request that is coming
        self._asked: deque[tuple[str, ...]] = deque()
        self._tags: list[str] = []
        self._failed = self._is_streaming = self._is_copy_over = False
        self._is_idle = True

    @property
    def answering(self) -> bool:
        """Whether an answer that is to be taken whole is on its way."""
        return bool(self._asked) and not self._is_streaming

    def up(self, data: bytes) -> list[Cut]:
        """Follow what the client sends; return where requests end in it."""
        if self._startup is not None and not self.blind:
            self._begin(self._startup, data)
            return [(len(data), None)]
        if self.blind:
            return [(len(data), None)]
        cuts: list[Cut] = []
        for frame in self._up.take(data):
            inside, start, _, end = frame
            kind = inside[start]
            if kind in _ASKS and not (self._is_copy_over and kind == _SYNC):
                cuts.append((end, self._request(frame)))
            elif kind in _GOES_ON or kind in _ASKS:
                self._is_streaming |= kind == _FLUSH
                cuts.append((end, None))
            elif kind in _NOTED:
                self._note(kind, _body(frame))
            # A Sync right behind a COPY ends what was asked for before it.
            self._is_copy_over = kind in b"cf"
        return cuts

    def down(self, data: bytes) -> list[Cut]:
        """Follow what the server sends; return where answers end in it."""
        if self._is_offered and not self.blind:
            self._is_offered = False
            if data[:1] != b"N":
                self.blind = "TLS"
            return [(len(data), None)]
        if self.blind:
            return [(len(data), None)]
        cuts: list[Cut] = []
        for inside, start, _, end in self._down.take(data):
            kind = inside[start]
            if kind == _READY:
                cuts.append((end, self._answer(inside[start + 5] == _IDLE)))
            elif kind == _DONE:
                tag = inside[start + 5 : start + _TAG_BYTES_MAX].partition(b"\0")[0]
                self._tags.append(first_word(tag.decode("ascii", "replace")))
            elif kind == _ERROR:
                self._failed = True
            elif kind in _COPIES:
                self._is_streaming = True
                cuts.append((end, None))
            elif kind in _ANY_TIME and not self._asked:
                cuts.append((end, None))
        return cuts

    def _begin(self, startup: Framer, data: bytes) -> None:
        """Follow what comes before the first typed message."""
        if data[0] == _TLS_RECORD:
            self.blind = "TLS"
            return
        for inside, start, _, _ in startup.take(data):
            code = int.from_bytes(inside[start + 4 : start + 8], "big")
            if code in _ENCRYPTION:
                self._is_offered = True
            else:
                self._startup = None

    def _note(self, kind: int, body: bytes) -> None:
        """Remember what a message says of the statements to come."""
        if kind == _PARSE:
            name, _, rest = body.partition(b"\0")
            self._prepared[name] = _text(rest)
        elif kind == _BIND:
            name = body.split(b"\0", 2)[1]
            if name in self._prepared:
                self._texts.append(self._prepared[name])
        elif body[:1] == b"S":
            self._prepared.pop(_name(body[1:]), None)

    def _request(self, frame: Frame) -> Asked:
        if frame[0][frame[1]] == _QUERY:
            self._texts.append(_text(_body(frame)))
        texts = tuple(self._texts)
        self._texts.clear()
        self._asked.append(texts)
        return Asked(texts=texts, alone=self._is_idle)

    def _answer(self, is_idle: bool) -> Told | None:
        """Return the answer that ends here; None for the end of the login."""
        self._is_idle = is_idle
        over, verbs = is_idle and not self._failed, tuple(self._tags)
        self._failed = self._is_streaming = False
        self._tags.clear()
        if not self._asked:
            return None
        return Told(texts=self._asked.popleft(), over=over, verbs=verbs)


def _body(frame: Frame) -> bytes:
    """Return the body of a message, as far as anybody reads it."""
    inside, start, stop, _ = frame
    return inside[start + _TYPED.size : min(stop, start + KEPT_BYTES)]


def _name(data: bytes) -> bytes:
    return data.partition(b"\0")[0]


def _text(data: bytes) -> str:
    return _name(data).decode("utf-8", "replace")
