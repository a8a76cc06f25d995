"""
What every table held, so that a restored copy can be held to the same rows.

A logical backup is one snapshot, and so is its content: `whole`. A physical backup under load ends
at a moment that nobody can read at: what it holds for certain is what was decided before it began
(`marks`) and did not change until it was over (`settled`).

- A table that rows are only added to is held up to a watermark: the greatest id that was stored,
  once every transaction that had drawn an id by then has ended. Nobody can add a row below it.
  The hash of those rows is that of the last backup, and that of the rows that came since.
- A table that is the same before and after is held to its whole hash.
- Everything else is not held: of accounts, positions and inventory the books tell.

A backup does not wait for the hashes of large tables: they are owed. Rows below a watermark and
tables that stay can be hashed when it is long over, and the hash is that of the same rows: `later`
computes it, or finds that they are not the same any more. Nor does it read such a table a second
time to see whether it stayed: one that is the same later was the same when the backup was over.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from ..engine.base import Server
from . import deciding, hashing, stamps
from .hashing import Digest, Range, Table
from .manifest import TableContent
from .stamps import Moment

WAIT_S = 10.0
_WITNESS = 1000  # ids below a watermark that say whether the next backup may build upon it
_PART_IDS = 500_000  # that are hashed in one snapshot: a server cannot clean up behind a long one
_RECENT = 25_000  # ids below a watermark among which a row that comes late is noticed


# Tables that rows are only added to, by the column that grows; of an order, what never changes.
_GROWING = {
    "orders": "order_id",
    "trades": "trade_id",
    "journal_entries": "journal_id",
    "audit_log": "audit_id",
    "audit_seals": "seal_no",
}
_LASTING = {
    "orders": "order_id account_id idempotency_key symbol side kind limit_won quantity "
    "portfolio_id condition_id prediction_id business_date placed_at recorded_at"
}
_CHANGING = frozenset({"accounts", "positions", "stock_inventory", "heartbeats"})
_METHODS = {"postgresql": "record1", "mariadb": "crc1"}  # another number where the hash is another


@dataclass(frozen=True, slots=True, kw_only=True)
class Growing:
    """
    A table that rows are only added to, as it was before a backup.

    `prior` is what an earlier backup says of it, found to be still so; `recent` is how many of the
    rows right below `watermark` there were. `watermark` None: only `prior` holds.
    """

    table: Table
    column: str
    watermark: int | None = None
    prior: TableContent | None = None
    recent: int = 0

    @property
    def new(self) -> Range:
        """The rows that came since `prior`."""
        above = None if self.prior is None else self.prior.watermark
        return Range(self.column, above, self.watermark)

    @property
    def tail(self) -> Range:
        """Those of them among which a row that came late would be."""
        new, watermark = self.new, self.watermark or 0
        return Range(self.column, max(new.above or 0, watermark - _RECENT), watermark)


@dataclass(frozen=True, slots=True, kw_only=True)
class Staying:
    """
    A table that may stay as it is while a backup is taken, as it was before.

    By its `stamp` it is known again; where it has none, by its `digest`. Where `prior`, what an
    earlier backup says of it, is still so, nothing is computed.
    """

    table: Table
    stamp: str | None
    digest: Digest | None = None
    prior: TableContent | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What was found before a physical backup began; `notes` are for its manifest."""

    growing: Sequence[Growing]
    staying: Mapping[str, Staying]
    notes: Sequence[str]


def whole(server: Server, *, inside: bool = False) -> list[TableContent]:
    """
    Return what every user's table of the database holds, in one snapshot.

    `inside`: the caller has opened the transaction, and it is its snapshot that counts.
    """
    with reading(server, inside=inside):
        return [
            _held(server, table, hashing.digest(server, table) if table.transactional else None)
            for table in hashing.tables(server).values()
        ]


def marks(
    server: Server, before: Sequence[TableContent] = (), *, within_s: float = WAIT_S
) -> Marks:
    """
    Look the tables over before a physical backup begins; `settled` does the rest when it is over.

    `before` is the content of an earlier backup of the same system: what it says of the rows below
    its watermarks is not computed again. Waits up to `within_s` for transactions that are under
    way; if they take longer, tables that grow are held to what `before` says, and a note tells.
    """
    with reading(server):
        found = hashing.tables(server)
        grows = _grows(server, found)
        tops = {name: _top(server, found[name], grows[name]) for name in grows}
    notes = []
    if grows and not deciding.wait(server, within_s):
        tops = {}
        notes.append(
            f"a transaction took longer than {within_s:.0f} s: tables that grow are held to the "
            "rows of the backup before"
        )
    earlier = {each.table: each for each in before}
    with reading(server):
        growing = [
            _marked(server, found[name], column, tops.get(name), earlier.get(name))
            for name, column in grows.items()
        ]
        now = stamps.moment(server)
        staying = {
            name: _looked_at(server, table, earlier.get(name), now)
            for name, table in found.items()
            if name not in grows and _may_stay(table, found)
        }
    return Marks(growing=growing, staying=staying, notes=notes)


def settled(
    server: Server, found: Marks, *, at_once_bytes: int | None = None
) -> list[TableContent]:
    """
    Return what the backup that began after `found`, and is over, holds for certain.

    With `at_once_bytes`, of the smallest tables no more than that is hashed; the others are owed.
    """
    growing = {each.table.name: each for each in found.growing}
    content = []
    with reading(server):
        now = stamps.moment(server)
        put_off = set() if at_once_bytes is None else _put_off(server, found, at_once_bytes)
        for name, table in hashing.tables(server).items():
            if name in growing:
                content.append(_grown(server, growing[name], table, owed=name in put_off))
            elif name in found.staying:
                staying = found.staying[name]
                content.append(_stayed(server, staying, table, now, owed=name in put_off))
            else:
                content.append(_held(server, table, None))
    return content


def later(server: Server, owed: TableContent, prior: TableContent | None = None) -> TableContent:
    """
    Return what `owed` did not wait to say, or that nobody can tell any more.

    `prior`, what an earlier backup says of the same table, is built upon where it is still so.
    """
    lost = TableContent(table=owed.table, rows=None, hash=None)
    with reading(server):
        there = hashing.tables(server).get(owed.table)
        if there is None or not set(owed.columns) <= set(there.described):
            return lost
        table = there.only(owed.columns)
        if owed.column is None or owed.watermark is None:
            now = stamps.moment(server)
            if table != there or not stamps.is_same(server, there, owed.witness, now):
                return lost
            digest = hashing.digest(server, table)
            return replace(owed, rows=digest.rows, hash=text(server, digest))
        if prior is not None and not _still_so(server, table, owed.column, prior):
            prior = None
        new = Growing(
            table=table,
            column=owed.column,
            watermark=owed.watermark,
            prior=prior if prior and (prior.watermark or 0) <= owed.watermark else None,
        )
        ends = hashing.ends(server, table, owed.column)
    digest = Digest(0, 0) if new.prior is None else _digest(new.prior)
    for part in _small_parts(new, ends):
        with reading(server):
            digest += hashing.digest(server, table, part)
    with reading(server):
        if _witness(server, table, owed.column, owed.watermark) != owed.witness:
            return lost
    return replace(owed, rows=digest.rows, hash=text(server, digest))


def _small_parts(new: Growing, ends: tuple[int, int] | None) -> list[Range]:
    if ends is None or new.watermark is None:
        return []
    first = max(ends[0], new.new.above or 0)
    return hashing.parts(new.new, least=first, count=1 + (new.watermark - first) // _PART_IDS)


def _put_off(server: Server, found: Marks, at_once_bytes: int) -> set[str]:
    """Return the tables whose rows are too many to be hashed while somebody waits."""
    sizes = hashing.sizes(server)
    todo = {
        name: sizes.get(name, 0)
        for name, each in found.staying.items()
        if each.stamp is not None and each.prior is None
    }
    for each in found.growing:
        todo[each.table.name] = round(sizes.get(each.table.name, 0) * _share_new(server, each))
    put_off, sum_bytes = set(), 0
    for name, data_bytes in sorted(todo.items(), key=lambda pair: pair[1]):
        sum_bytes += data_bytes
        if sum_bytes > at_once_bytes:
            put_off.add(name)
    return put_off


def _share_new(server: Server, each: Growing) -> float:
    """Return which part of the rows of `each` came since the last backup."""
    ends = None if each.prior is None else hashing.ends(server, each.table, each.column)
    if ends is None or each.watermark is None or each.prior is None or not each.prior.watermark:
        return 1.0
    return (each.watermark - each.prior.watermark) / max(each.watermark - ends[0], 1)


def _grows(server: Server, found: dict[str, Table]) -> dict[str, str]:
    """Return the tables that rows are only added to, by the column that grows."""
    if not _is_ours(found) or not all(each.in_order for each in server.fetch(deciding.EVENT_IDS)):
        return {}
    for name, columns in _LASTING.items():
        found[name] = found[name].only(columns.split())
    return dict(_GROWING)


def _is_ours(found: Mapping[str, Table]) -> bool:
    return found.keys() >= {*_GROWING, *_CHANGING, "database_identity"}


def _top(server: Server, table: Table, column: str) -> int | None:
    ends = hashing.ends(server, table, column)
    return None if ends is None else ends[1]


def _may_stay(table: Table, found: Mapping[str, Table]) -> bool:
    return not table.unlogged and not (_is_ours(found) and table.name in _CHANGING)


def _marked(
    server: Server, table: Table, column: str, top: int | None, prior: TableContent | None
) -> Growing:
    usable = prior if prior is not None and _still_so(server, table, column, prior) else None
    growing = Growing(table=table, column=column, watermark=top, prior=usable)
    if top is None:
        return growing
    return replace(growing, recent=hashing.count(server, table, growing.tail))


def _still_so(server: Server, table: Table, column: str, prior: TableContent) -> bool:
    """Tell whether the rows below the watermark of `prior` end as they did."""
    return (
        prior.hash is not None
        and prior.column == column
        and prior.watermark is not None
        and list(prior.columns) == table.described
        and prior.witness == _witness(server, table, column, prior.watermark)
    )


def _witness(server: Server, table: Table, column: str, watermark: int) -> str | None:
    """
    Return what tells a table that was emptied, restored or repaired from one that only grew.

    It is the least id, and the hash of the last rows up to `watermark`.
    """
    ends = hashing.ends(server, table, column)
    if ends is None:
        return None
    tail = hashing.digest(server, table, Range(column, watermark - _WITNESS, watermark))
    return f"{ends[0]}:{tail.rows}:{tail.total}"


def _looked_at(server: Server, table: Table, prior: TableContent | None, now: Moment) -> Staying:
    if (
        prior is not None
        and prior.hash is not None
        and prior.column is None
        and list(prior.columns) == table.described
        and stamps.is_same(server, table, prior.witness, now)
    ):
        return Staying(table=table, stamp=prior.witness, prior=prior)
    stamp = stamps.look(server, table, now)
    digest = hashing.digest(server, table) if stamp is None else None
    return Staying(table=table, stamp=stamp, digest=digest)


def _stayed(
    server: Server, each: Staying, there: Table, now: Moment, *, owed: bool
) -> TableContent:
    if there.described != each.table.described:
        return _held(server, there, None)
    if each.stamp is None:
        after = hashing.digest(server, there)
        return _held(server, there, after if after == each.digest else None)
    owed = owed and each.prior is None
    # Where reading all rows tells, who hashes them later has to: what is the same then, is now.
    told_later = owed and stamps.reads_rows(now)
    if not told_later and not stamps.is_same(server, there, each.stamp, now):
        return _held(server, there, None)
    if each.prior is not None:
        return each.prior
    if owed:
        return replace(_held(server, there, None), columns=there.described, witness=each.stamp)
    return replace(_held(server, there, hashing.digest(server, there)), witness=each.stamp)


def _grown(server: Server, each: Growing, there: Table, *, owed: bool) -> TableContent:
    if each.watermark is None and each.prior is not None:
        return each.prior
    altered = not set(each.table.described) <= set(there.described)
    # A row that came late has an id that was drawn before anybody could see who might use it.
    if each.watermark is None or altered or _came_late(server, each):
        return _held(server, there, None)
    digest = None if owed else hashing.digest(server, each.table, each.new)
    if digest is not None and each.prior is not None:
        digest += _digest(each.prior)
    return replace(
        _held(server, each.table, digest),
        columns=each.table.described,
        column=each.column,
        watermark=each.watermark,
        witness=_witness(server, each.table, each.column, each.watermark),
    )


def _came_late(server: Server, each: Growing) -> bool:
    return hashing.count(server, each.table, each.tail) != each.recent


def _held(server: Server, table: Table, digest: Digest | None) -> TableContent:
    return TableContent(
        table=table.name,
        rows=None if digest is None else digest.rows,
        hash=None if digest is None else text(server, digest),
        columns=[] if digest is None else table.described,
    )


def text(server: Server, digest: Digest) -> str:
    """Return `digest` as a manifest has it, with the method it was computed by."""
    return f"{_METHODS[server.engine]}:{digest.total}"


def _digest(said: TableContent) -> Digest:
    return Digest(said.rows or 0, int(str(said.hash).rpartition(":")[2]))


@contextmanager
def reading(server: Server, *, inside: bool = False) -> Iterator[None]:
    """Read in one snapshot, in which a value has one text."""
    if inside:
        with hashing.settled_text(server):
            yield
        return
    with (
        server.transaction(isolation="repeatable read", read_only=True),
        hashing.settled_text(server),
    ):
        yield
