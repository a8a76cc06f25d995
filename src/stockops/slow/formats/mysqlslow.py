"""
The slow query log of MySQL 5.7 and 8, of Percona Server and of MariaDB, with all their lines.

MySQL escapes nothing: a literal may hold what looks like a line of a header. So an entry begins
only where a whole header stands, from ``# User@Host:`` to ``SET timestamp=``. Seen on MariaDB
10.11; the headers of the others are those of their manuals.
"""

import re
from collections.abc import Iterator

from ...statements import Dialect
from ..accounting import Account
from ..events import Event
from .base import Piece, Raw

_HEAD = re.compile(
    rb"^(?:# Time: [^\n]*\n)?"
    rb"# User@Host: (?P<who>[^\n]*)\n"
    # No second header within a header: so it does not matter from where one is searched for.
    rb"(?P<meta>(?:#(?! User@Host: | Time: )[^\n]*\n)*?# Query_time: [^\n]*\n"
    rb"(?:#(?! User@Host: | Time: )[^\n]*\n)*?)"
    rb"(?:use (?P<database>[^\n]*);\n)?"
    rb"SET timestamp=(?P<at>\d+)(?:\.(?P<fraction>\d+))?[^\n]*;\n",
    re.MULTILINE,
)
# What a server writes as it starts, anywhere in the file.
_BANNER = re.compile(
    rb"^[^\n]*, Version: [^\n]*started with:\n(?:[^\n]*\n)?"
    rb"Time[\t ]+Id[\t ]+Command[\t ]+Argument\n",
    re.MULTILINE,
)
_BANNER_MARK = b"started with:"
_WHO = re.compile(rb"([^\[]*)\[([^\]]*)\] @ ([^\[]*)\[([^\]]*)\](?:\s+Id:\s*(\d+))?")
_PAIR = re.compile(rb"(\w+): +(?!\w+: )(\S+)")
_ADMIN = b"# administrator command: "
_PLAN = b"# explain: "
_SECONDS = re.compile(rb"(\d+)\.(\d{1,6})$")
_DURATION_US_MAX = 10**15  # 30 years: a clock that went back shows as 2^64 microseconds
_LOOK_BACK_BYTES = 4096  # a "# Time:" line is shorter
_NUMBERS = {
    "rows_sent": b"Rows_sent",
    "rows_examined": b"Rows_examined",
    "rows_affected": b"Rows_affected",
}
_TOLD = {*_NUMBERS.values(), b"Query_time", b"Lock_time", b"Schema", b"Thread_id", b"Id"}


class MySQLSlow:
    """The slow query log of MySQL and MariaDB."""

    name = "mysql slow log"
    dialect: Dialect = "mariadb"
    note = ""

    def __init__(self, *, full: bool = False) -> None:
        """With `full` each event carries all that its header says, for those who print it."""
        self._full = full

    def start(self, data: Raw, at: int, end: int) -> int:
        """Return where the next header begins; a ``# Time:`` line before it is part of it."""
        line = at if at == 0 else data.rfind(b"\n", 0, at) + 1
        if line < at:  # in the middle of a line: an entry may begin with the next one
            line = data.find(b"\n", at) + 1 or end
        before = data.rfind(b"\n", max(0, line - _LOOK_BACK_BYTES), max(0, line - 1)) + 1
        if line and data[before : before + 8] == b"# Time: ":
            own = _HEAD.match(data, before, end)
            if own is not None and own.end() > line:  # this header began on the line before
                line = data.find(b"\n", line) + 1 or end
        found = _HEAD.search(data, line, end)
        return found.start() if found else end

    def parse(self, piece: Piece, account: Account) -> Iterator[Event]:
        """Give the entries; banners are understood, and what stands before the first is not."""
        raw = piece.raw
        heads = list(_HEAD.finditer(raw))
        first = heads[0].start() if heads else len(raw)
        account.read_bytes += len(raw)
        self._preamble(piece, raw[:first], account)
        account.entries += len(heads)
        for head, following in zip(heads, [*heads[1:], None], strict=False):
            body = raw[head.end() : following.start() if following else len(raw)]
            if _BANNER_MARK in body:
                body = _BANNER.sub(b"", body)
            yield self._event(head, body)

    def _preamble(self, piece: Piece, raw: bytes, account: Account) -> None:
        at = 0
        for banner in [*_BANNER.finditer(raw), None]:
            until = banner.start() if banner else len(raw)
            if raw[at:until].strip():
                account.skip(piece.file, piece.offset + at, raw[at:until])
            at = banner.end() if banner else until

    def _event(self, head: re.Match[bytes], body: bytes) -> Event:
        meta = head["meta"]
        pairs = dict(_PAIR.findall(meta))
        sql = body.rstrip()
        admin = sql.startswith(_ADMIN)
        sql = (sql.removeprefix(_ADMIN) if admin else sql).removesuffix(b";")
        event = Event(
            "execution",
            at_us=int(head["at"]) * 1_000_000 + int((head["fraction"] or b"0").ljust(6, b"0")[:6]),
            duration_us=_microseconds(pairs.get(b"Query_time", b"")),
            lock_us=_microseconds(pairs.get(b"Lock_time", b"")),
            sql=_text(sql),
            database=_text(pairs.get(b"Schema", b"") or (head["database"] or b"").strip(b"`")),
            session=_text(pairs.get(b"Thread_id", b"")),
            admin=admin,
            weight=_weight(pairs),
        )
        for name, key in _NUMBERS.items():
            if pairs.get(key, b"").isdigit():
                setattr(event, name, int(pairs[key]))
        who = _WHO.match(head["who"])
        if who is not None:
            event.user = _text(who[1].strip() or who[2].strip())
            event.host = _text(who[4].strip() or who[3].strip())
            event.session = event.session or _text(who[5] or b"")
        if _PLAN in meta:
            rows = [line[len(_PLAN) :] for line in meta.splitlines() if line.startswith(_PLAN)]
            event.plan = _text(b"\n".join(rows))
        if self._full:
            left = {key: value for key, value in pairs.items() if key not in _TOLD}
            event.more = {_text(key).lower(): _text(value) for key, value in left.items()}
        return event


def _weight(pairs: dict[bytes, bytes]) -> int:
    """Percona names the rate by which it samples in each entry."""
    said = pairs.get(b"Log_slow_rate_limit") or pairs.get(b"Rate_limit") or b""
    return max(1, int(said)) if said.isdigit() else 1


def _microseconds(said: bytes) -> int:
    found = _SECONDS.match(said)
    if found is None:
        return 0
    value = int(found[1]) * 1_000_000 + int(found[2].ljust(6, b"0"))
    return value if value < _DURATION_US_MAX else 0


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
