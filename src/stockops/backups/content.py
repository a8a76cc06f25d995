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
_RECENT = 100_000  # ids below a watermark among which a row that comes late is noticed


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


def settled(server: Server, found: Marks) -> list[TableContent]:
    """Return what the backup that began after `found`, and is over, holds for certain."""
    growing = {each.table.name: each for each in found.growing}
    content = []
    with reading(server):
        now = stamps.moment(server)
        for name, table in hashing.tables(server).items():
            if name in growing:
                content.append(_grown(server, growing[name], table))
            elif name in found.staying:
                content.append(_stayed(server, found.staying[name], table, now))
            else:
                content.append(_held(server, table, None))
    return content


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


def _stayed(server: Server, each: Staying, there: Table, now: Moment) -> TableContent:
    if there.described != each.table.described:
        return _held(server, there, None)
    if each.stamp is None:
        after = hashing.digest(server, there)
        return _held(server, there, after if after == each.digest else None)
    if not stamps.is_same(server, there, each.stamp, now):
        return _held(server, there, None)
    if each.prior is not None:
        return each.prior
    return replace(_held(server, there, hashing.digest(server, there)), witness=each.stamp)


def _grown(server: Server, each: Growing, there: Table) -> TableContent:
    if each.watermark is None and each.prior is not None:
        return each.prior
    altered = not set(each.table.described) <= set(there.described)
    # A row that came late has an id that was drawn before anybody could see who might use it.
    if each.watermark is None or altered or _came_late(server, each):
        return _held(server, there, None)
    digest = hashing.digest(server, each.table, each.new)
    if each.prior is not None:
        digest += _digest(each.prior)
    return replace(
        _held(server, each.table, digest),
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
