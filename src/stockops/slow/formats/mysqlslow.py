"""
The slow query log of MySQL 5.7 and 8, of Percona Server and of MariaDB, with all their lines.

MySQL escapes nothing: a literal may hold what looks like a line of a header. So an entry begins
only where a whole header stands, from ``# User@Host:`` to ``SET timestamp=``. Seen on MariaDB
10.11; the headers of the others are those of their manuals.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from ...statements import Dialect
from ..accounting import Account
from ..events import Event
from .base import Piece, Raw
from .pglines import Entries

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
# What MariaDB writes most of the time, in one look; anything else is taken apart pair by pair.
_USUAL = re.compile(
    rb"(?:# Thread_id: (\d+)  Schema: (\S*)  QC_hit: \w+\n)?"
    rb"# Query_time: (\d{1,9})\.(\d{6})  Lock_time: (\d{1,9})\.(\d{6}) +"
    rb"Rows_sent: (\d+)  Rows_examined: (\d+)\n"
    rb"(?:# Rows_affected: (\d+)  Bytes_sent: \d+\n)?"
)
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
        self.entries = Entries()

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
        usual = None if self._full else _USUAL.match(meta)
        event = self._usual(usual) if usual and usual.end() == len(meta) else self._unusual(meta)
        sql = body.rstrip()
        event.admin = sql.startswith(_ADMIN)
        event.sql = _text((sql.removeprefix(_ADMIN) if event.admin else sql).removesuffix(b";"))
        fraction = head["fraction"]
        event.at_us = int(head["at"]) * 1_000_000
        event.at_us += int(fraction.ljust(6, b"0")[:6]) if fraction else 0
        if not event.database and head["database"]:
            event.database = _known(head["database"].strip(b"`"))
        event.user, event.host, session = _who(head["who"])
        event.session = event.session or session
        return event

    def _usual(self, said: re.Match[bytes]) -> Event:
        session, schema, took, took_us, locked, locked_us, sent, examined, affected = said.groups()
        return Event(
            "execution",
            duration_us=int(took) * 1_000_000 + int(took_us),
            lock_us=int(locked) * 1_000_000 + int(locked_us),
            database=_known(schema or b""),
            session=_known(session or b""),
            rows_sent=int(sent),
            rows_examined=int(examined),
            rows_affected=int(affected) if affected else None,
        )

    def _unusual(self, meta: bytes) -> Event:
        pairs = dict(_PAIR.findall(meta))
        event = Event(
            "execution",
            duration_us=_microseconds(pairs.get(b"Query_time", b"")),
            lock_us=_microseconds(pairs.get(b"Lock_time", b"")),
            database=_text(pairs.get(b"Schema", b"")),
            session=_text(pairs.get(b"Thread_id", b"")),
            weight=_weight(pairs),
        )
        for name, key in _NUMBERS.items():
            if pairs.get(key, b"").isdigit():
                setattr(event, name, int(pairs[key]))
        if _PLAN in meta:
            rows = [line[len(_PLAN) :] for line in meta.splitlines() if line.startswith(_PLAN)]
            event.plan = _text(b"\n".join(rows))
        if self._full:
            left = {key: value for key, value in pairs.items() if key not in _TOLD}
            event.more = {_text(key).lower(): _text(value) for key, value in left.items()}
        return event


@lru_cache(maxsize=4096)
def _who(said: bytes) -> tuple[str, str, str]:
    """Return the user, the host and the session, "" where the line does not name one."""
    who = _WHO.match(said)
    if who is None:
        return "", "", ""
    user, host = who[1].strip() or who[2].strip(), who[4].strip() or who[3].strip()
    return _text(user), _text(host), _text(who[5] or b"")


@lru_cache(maxsize=4096)
def _known(raw: bytes) -> str:
    return _text(raw)


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
