"""
The slow query log of MySQL 5.7 and 8, of Percona Server and of MariaDB, with all their lines.

MySQL escapes nothing: a literal may hold what looks like a line of a header. So an entry begins
only where a whole header stands, from ``# User@Host:`` to ``SET timestamp=``. Seen on MariaDB
10.11; the headers of the others are those of their manuals.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from ... import patterns
from ...statements import Dialect
from ..accounting import Account
from ..batches import Batch, text
from ..events import Event
from .base import Piece, Raw
from .pglines import Entries
from .usual import Columns, divide, found, parse_rest

_TIME_AND_WHO = rb"(?:# Time: [^\n]*\n)?# User@Host: (?P<who>[^\n]*)\n"
_DATABASE = rb"(?:use (?P<database>[^\n]*);\n)?"
_AT = rb"SET timestamp=(?P<at>\d{1,11})(?:\.(?P<fraction>\d+))?"
_HEAD = patterns.compiled(
    rb"^" + _TIME_AND_WHO +
    # No second header within a header: so it does not matter from where one is searched for.
    rb"(?P<meta>(?:#(?! User@Host: | Time: )[^\n]*\n)*?# Query_time: [^\n]*\n"
    rb"(?:#(?! User@Host: | Time: )[^\n]*\n)*?)" + _DATABASE + _AT + rb"[^\n]*;\n",
    re.MULTILINE,
)  # fmt: skip
# What a server writes as it starts, anywhere in the file.
BANNER = patterns.compiled(
    rb"^[^\n]*, Version: [^\n]*started with:\n(?:[^\n]*\n)?"
    rb"Time[\t ]+Id[\t ]+Command[\t ]+Argument\n",
    re.MULTILINE,
)
_MARK = b"# User@Host: "
BANNER_MARK = b"started with:"
_WHO = patterns.compiled(rb"([^\[]*)\[([^\]]*)\] @ ([^\[]*)\[([^\]]*)\](?:\s+Id:\s*(\d+))?")
# What MariaDB and MySQL write most of the time, in one look; else a header is taken apart by pairs.
_USUAL = patterns.compiled(
    rb"(?:# Thread_id: \d+  Schema: (?P<schema>\S*)  QC_hit: \w+\n)?"
    rb"# Query_time: (?P<took>\d{1,9}\.\d{6})  Lock_time: (?P<lock>\d{1,9}\.\d{6}) +"
    rb"Rows_sent: (?P<sent>\d{1,18})  Rows_examined: (?P<examined>\d{1,18})\n"
    rb"(?:# Rows_affected: (?P<affected>\d{1,18})  Bytes_sent: \d+\n)?"
    rb"(?:# (?:(?:Tmp|Full|Filesort|Merge|Priority|Pages|Old|Engine)\w*: \S+ *)+\n)*"
    rb"(?:#\n)?(?P<plan>(?:# explain: [^\n]*\n)*)(?:#\n)?"
)
_PAIR = patterns.compiled(rb"(\w+): +(?!\w+: )(\S+)")
_ADMIN = b"# administrator command: "
# An entry with a usual header, up to what may begin the next one.
_ENTRY = patterns.compiled(
    rb"^" + _TIME_AND_WHO + _USUAL.pattern + _DATABASE + _AT + rb";\n"
    rb"(?P<sql>(?!" + _ADMIN + rb")(?:(?!# Time: |# User@Host: )[^\n]*+\n)*+)",
    re.MULTILINE,
)  # fmt: skip
_PLAN = b"# explain: "
_COUNT = patterns.compiled(rb"\d{1,18}")
_SECONDS = patterns.compiled(rb"(\d+)\.(\d{1,6})$")
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
    whole = False
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
        return _first_head(data, line, end)

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
            if BANNER_MARK in body:
                body = BANNER.sub(b"", body)
            yield self._event(head, body)

    def columns(self, piece: Piece, account: Account) -> Iterator[Event | Batch]:
        """Give the usual entries as one batch, and the others as `parse` does."""
        told, spans = found(_ENTRY, piece.raw)
        banner = BANNER_MARK in piece.raw
        usual = [not banner or BANNER_MARK not in each for each in told["sql"]]
        divided = divide(piece.raw, spans, usual)
        yield from parse_rest(self, piece, divided, account)
        if spans:
            yield _batch(told).where(divided.usual)

    def _preamble(self, piece: Piece, raw: bytes, account: Account) -> None:
        at = 0
        for banner in [*BANNER.finditer(raw), None]:
            until = banner.start() if banner else len(raw)
            if raw[at:until].strip():
                account.skip(piece.file, piece.offset + at, raw[at:until])
            at = banner.end() if banner else until

    def _event(self, head: re.Match[bytes], body: bytes) -> Event:
        meta = head["meta"]
        usual = None if self._full else _USUAL.match(meta)
        event = _usual(usual) if usual and usual.end() == len(meta) else self._unusual(meta)
        sql = body.rstrip()
        event.admin = sql.startswith(_ADMIN)
        event.sql = text((sql.removeprefix(_ADMIN) if event.admin else sql).removesuffix(b";"))
        event.at_us = _instant(head["at"], head["fraction"])
        if not event.database and head["database"]:
            event.database = _database(b"", head["database"])
        event.user, event.host, session = _who(head["who"])
        event.session = event.session or session
        return event

    def _unusual(self, meta: bytes) -> Event:
        pairs = dict(_PAIR.findall(meta))
        event = Event(
            "execution",
            duration_us=_microseconds(pairs.get(b"Query_time", b"")),
            lock_us=_microseconds(pairs.get(b"Lock_time", b"")),
            database=text(pairs.get(b"Schema", b"")),
            session=text(pairs.get(b"Thread_id", b"")),
            weight=_weight(pairs),
        )
        for name, key in _NUMBERS.items():
            if _COUNT.fullmatch(pairs.get(key, b"")):
                setattr(event, name, int(pairs[key]))
        event.plan = text(_plan(meta))
        if self._full:
            left = {key: value for key, value in pairs.items() if key not in _TOLD}
            event.more = {text(key).lower(): text(value) for key, value in left.items()}
        return event


def _batch(told: Columns) -> Batch:
    """Return what the groups of `_ENTRY` say; b"" is that of a line that is not there."""
    who, schema, plan, used = told["who"], told["schema"], told["plan"], told["database"]
    people = {each: _who(each)[:2] for each in set(who)}
    databases = {each: _database(*each) for each in set(zip(schema, used, strict=True))}
    return Batch(
        sql=[each.rstrip().removesuffix(b";") for each in told["sql"]],
        at_us=list(map(_instant, told["at"], told["fraction"])),
        duration_us=_all_us(told["took"]),
        lock_us=_all_us(told["lock"]),
        rows_sent=list(map(int, told["sent"])),
        rows_examined=list(map(int, told["examined"])),
        rows_affected=[int(each) if each else 0 for each in told["affected"]],
        who=[
            (*people[person], databases[names], "")
            for person, names in zip(who, zip(schema, used, strict=True), strict=True)
        ],
        plan=[each and _plan(each) for each in plan] if any(plan) else (),
    )


def _all_us(seconds: Sequence[bytes]) -> list[int]:
    """Return the microseconds of seconds with six decimals."""
    return list(map(int, b" ".join(seconds).replace(b".", b"").split()))


def _usual(said: re.Match[bytes]) -> Event:
    return Event(
        "execution",
        duration_us=int(said["took"].replace(b".", b"")),
        lock_us=int(said["lock"].replace(b".", b"")),
        database=_database(said["schema"] or b"", b""),
        rows_sent=int(said["sent"]),
        rows_examined=int(said["examined"]),
        rows_affected=int(said["affected"]) if said["affected"] else None,
        plan=text(_plan(said["plan"])),
    )


def _instant(at: bytes, fraction: bytes | None) -> int:
    return int(at) * 1_000_000 + (int(fraction.ljust(6, b"0")[:6]) if fraction else 0)


def _plan(said: bytes) -> bytes:
    """Return the rows of a plan that a header holds."""
    return b"\n".join(line[len(_PLAN) :] for line in said.splitlines() if line.startswith(_PLAN))


@lru_cache(maxsize=4096)
def _database(schema: bytes, used: bytes) -> str:
    """Return the database that a header names, or else that of the "use" that follows it."""
    return text(schema or used.strip(b"`"))


def _first_head(data: Raw, line: int, end: int) -> int:
    """Return where the first header from `line` on begins: by its mark, for lines may be long."""
    place = line
    while (mark := data.find(_MARK, place, end)) >= 0:
        before = data.rfind(b"\n", max(line, mark - _LOOK_BACK_BYTES), max(line, mark - 1)) + 1
        for at in (max(line, before), mark):
            found = _HEAD.match(data, at, end)
            if found is not None:
                return at
        place = mark + 1
    return end


@lru_cache(maxsize=4096)
def _who(said: bytes) -> tuple[str, str, str]:
    """Return the user, the host and the session, "" where the line does not name one."""
    who = _WHO.match(said)
    if who is None:
        return "", "", ""
    user, host = who[1].strip() or who[2].strip(), who[4].strip() or who[3].strip()
    return text(user), text(host), text(who[5] or b"")


def _weight(pairs: dict[bytes, bytes]) -> int:
    """Percona names the rate by which it samples in each entry."""
    said = pairs.get(b"Log_slow_rate_limit") or pairs.get(b"Rate_limit") or b""
    return max(1, int(said)) if _COUNT.fullmatch(said) else 1


def _microseconds(said: bytes) -> int:
    found = _SECONDS.match(said)
    if found is None:
        return 0
    value = int(found[1]) * 1_000_000 + int(found[2].ljust(6, b"0"))
    return value if value < _DURATION_US_MAX else 0
