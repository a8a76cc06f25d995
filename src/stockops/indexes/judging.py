"""What is wrong with the indexes of a catalogue: each finding with its reason and its way out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from . import foreign, statements
from .catalogue import Catalogue, Index, Name, Unknown, by_table
from .covering import alike, covers, keeps_order

Kind = Literal["invalid", "duplicate", "redundant", "unused", "bloated", "fk_without_index"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_DAY_S = 86_400
_MUCH_LARGER = 3
_NAMES_MAX = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """From when on counters are old enough to be believed, and empty room is worth a word."""

    min_age_days: int = 30
    bloat_bytes: int = 10 * 1024 * 1024
    bloat_percent: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """
    One finding, or one thing that could not be found out (`state` is ``unknown``).

    `steps` are the way out, in order, `restore` what brings the index back as it was: statements,
    and comments that start with ``--``. `index` is the one that it is about, or None.
    """

    state: Literal["found", "unknown"]
    kind: Kind
    schema_name: str | None = None
    table_name: str | None = None
    index_name: str | None = None
    columns: str | None = None
    reason: str
    covered_by: str | None = None
    size_bytes: int | None = None
    scans: int | None = None
    last_used_at: datetime | None = None
    steps: tuple[str, ...] = ()
    restore: tuple[str, ...] = ()

    @property
    def name(self) -> Name | None:
        """Schema, table and index."""
        if self.schema_name is None or self.table_name is None or self.index_name is None:
            return None
        return (self.schema_name, self.table_name, self.index_name)


def judge(found: Catalogue, limits: Limits) -> list[Verdict]:
    """
    Return every finding, in the order of `KINDS` and then of names, and what is unknown.

    An index has at most one: what should go is not also called unused or bloated.
    """
    verdicts = list(_invalid(found))
    verdicts += _covered(found, limits)
    named = {verdict.name for verdict in verdicts}
    rest = [index for index in found.indexes if index.name not in named]
    verdicts += _unused(found, rest, limits)
    verdicts += _bloated(found, rest, limits)
    verdicts += _without_index(found)
    return sorted(
        verdicts,
        key=lambda v: (
            KINDS.index(v.kind),
            v.schema_name or "",
            v.table_name or "",
            v.index_name or "",
            v.reason,
        ),
    )


def is_fixed(index: Index) -> bool:
    """Tell whether `index` must stay whatever other indexes there are."""
    row = index.row
    bound = row.is_primary or row.is_replica_identity or row.is_clustered or row.is_referenced
    return bound or row.parent is not None


def _verdict(index: Index, kind: Kind, reason: str, **more: object) -> Verdict:
    schema, table, name = index.name
    return Verdict(
        state="found",
        kind=kind,
        schema_name=schema,
        table_name=table,
        index_name=name,
        columns=index.columns,
        reason=reason,
        size_bytes=index.size_bytes,
        scans=index.scans,
        last_used_at=index.last_used_at,
        **more,  # type: ignore[arg-type]
    )


def _invalid(found: Catalogue) -> Iterator[Verdict]:
    for index in found.indexes:
        if index.is_usable or (index.row.state == "ignored" and _ignored_works(index, found)):
            continue
        if index.row.is_being_built:
            yield Verdict(
                state="unknown",
                kind="invalid",
                reason=f"{'.'.join(index.name)} is not valid, and something works on its table: it "
                "may be built now. Ask again when that is done",
            )
            continue
        yield _verdict(
            index,
            "invalid",
            _why_invalid(index),
            steps=statements.mending(index, found.indexes, engine=found.engine),
        )


def _ignored_works(index: Index, found: Catalogue) -> bool:
    """Tell whether an ignored index is needed: by uniqueness, AUTO_INCREMENT, a foreign key."""
    if index.row.is_unique or any(key.is_counter for key in index.keys):
        return True
    others = [each for each in found.indexes if each.table == index.table and each is not index]
    return not foreign.may_go(index, others, found.foreign_keys)


def _why_invalid(index: Index) -> str:
    promise = "; it still refuses rows that are not unique" if index.row.is_unique else ""
    if index.row.state == "ignored":
        return "it is IGNORED: every write maintains it, and no query reads it"
    if index.row.is_partitioned:
        return "not every partition has its part of it, so no query on the whole table reads it"
    if index.row.state == "invalid":
        return f"a build that failed left it: writes maintain it, and no query reads it{promise}"
    return f"it was left {index.row.state}: no query reads it"


def _covered(found: Catalogue, limits: Limits) -> Iterator[Verdict]:
    gone: dict[Name, Index] = {}
    alive = by_table(found.indexes)
    for index in _least_first(found.indexes):
        if is_fixed(index) or not index.is_usable:
            continue
        others = [each for each in alive[index.table] if each.name != index.name]
        able = [each for each in others if covers(each, index)]
        if able and foreign.may_go(index, others, found.foreign_keys):
            gone[index.name] = min(able, key=lambda each: _far_from(each, index))
            alive[index.table] = others
    by_name = {index.name: index for index in found.indexes}
    for name, cover in gone.items():
        index, last = by_name[name], cover
        while last.name in gone:
            last = gone[last.name]
        same = alike(last, index)
        yield _verdict(
            index,
            "duplicate" if same else "redundant",
            _why_covered(index, last, same=same),
            covered_by=last.row.index_name,
            steps=statements.dropping(
                index, others=alive[index.table], engine=found.engine, days=limits.min_age_days
            ),
        )


def _far_from(cover: Index, index: Index) -> tuple[bool, bool, int]:
    """Return how little `cover` is like `index`."""
    return (not alike(cover, index), not keeps_order(cover, index), len(cover.keys))


def _least_first(indexes: Sequence[Index]) -> list[Index]:
    """Return `indexes` in the order in which they may go, those that matter least first."""
    return sorted(
        sorted(indexes, key=lambda each: each.name, reverse=True),
        key=lambda each: (
            each.row.constraint_name is not None,
            each.row.is_unique,
            len(each.keys) + len(each.carried),
            -sum(key.is_descending for key in each.keys),
            each.scans or 0,
        ),
    )


def _why_covered(index: Index, cover: Index, *, same: bool) -> str:
    name = f"{cover.row.index_name} {cover.columns}"
    if same and cover.columns == index.columns:
        reason = f"{name} is the same index"
    elif same and len(cover.keys) != len(index.keys):
        reason = f"{name} holds the same, since InnoDB adds the primary key to both"
    elif same:
        reason = f"{name} is the same index, read backwards"
    elif len(cover.keys) > len(index.keys):
        reason = f"{name} begins with the same keys and does all its work"
    else:
        reason = f"{name} does all its work and more"
    if index.tail and not keeps_order(cover, index):
        reason += ", save that its rows of one key stand in the order of the primary key"
    larger = (cover.size_bytes or 0) / index.size_bytes if index.size_bytes else 0
    if larger >= _MUCH_LARGER:
        reason += f"; but that one is {larger:.0f} times as large: watch longer"
    return reason


def _unused(found: Catalogue, rest: Sequence[Index], limits: Limits) -> Iterator[Verdict]:
    there = by_table(rest)
    idle = [index for index in rest if _is_idle(index, there[index.table], found)]
    if not idle:
        return
    for each in found.unknown:
        if each.about == "use":
            yield _unknown("unused", each, f"; no use is known of {_named(idle)}")
    if found.counted_s is None:
        return
    age = lasted(found.counted_s)
    if found.counted_s < limits.min_age_days * _DAY_S:
        yield Verdict(
            state="unknown",
            kind="unused",
            reason=f"no query has read {_named(idle)}, but their uses have been counted for {age}, "
            f"less than {limits.min_age_days} days",
            steps=("-- ask again later, or name a shorter time with --min-age",),
        )
        return
    for index in idle:
        has_own = any(key.column_name is None for key in index.keys)
        yield _verdict(
            index,
            "unused",
            f"no query has read it in the {age} of the counters, and it keeps no rule"
            + ("; the planner may use the statistics of its expressions" if has_own else ""),
            steps=statements.dropping(
                index,
                others=there[index.table],
                engine=found.engine,
                days=limits.min_age_days,
            ),
        )


def _is_idle(index: Index, rest: Sequence[Index], found: Catalogue) -> bool:
    """
    Tell whether nothing but queries needs `index`, and none was seen to read it.

    MariaDB (seen on 10.11) does not count what searches full text.
    """
    row = index.row
    if row.is_unique or row.is_exclusion or is_fixed(index) or index.scans or not index.is_usable:
        return False
    if row.method.endswith("fulltext") or any(key.is_counter for key in index.keys):
        return False
    return foreign.may_go(index, [each for each in rest if each is not index], found.foreign_keys)


def _bloated(found: Catalogue, rest: Sequence[Index], limits: Limits) -> Iterator[Verdict]:
    blind: list[Index] = []
    for index in rest:
        size, needed = index.size_bytes or 0, index.needed_bytes
        if size < limits.bloat_bytes or (index.row.is_partitioned and found.engine == "postgresql"):
            continue
        if needed is None:
            blind += [index] if index.row.method.endswith("btree") and not _is_table(index) else []
        elif size - needed >= max(limits.bloat_bytes, size * limits.bloat_percent / 100):
            yield _verdict(
                index,
                "bloated",
                f"its rows need about {needed / 2**20:.1f} MB of its {size / 2**20:.1f} MB, by the "
                "statistics",
                steps=statements.rebuilding(index, engine=found.engine),
            )
    yield from (_unknown("bloated", each) for each in found.unknown if each.about == "size")
    if blind:
        yield Verdict(
            state="unknown",
            kind="bloated",
            reason=f"how full they are cannot be told of {_named(blind)}: their columns have no "
            "statistics that this role can read",
            steps=tuple(dict.fromkeys(index.size_remedy for index in blind)),
        )


def _named(indexes: Sequence[Index]) -> str:
    """Return the names of `indexes`, the first of them and how many more."""
    names = ", ".join(index.row.index_name for index in indexes[:_NAMES_MAX])
    more = len(indexes) - _NAMES_MAX
    return f"{names} and {more} more indexes" if more > 0 else names


def _is_table(index: Index) -> bool:
    return index.row.is_primary and index.row.method.startswith("innodb")


def _unknown(kind: Kind, unknown: Unknown, of: str = "") -> Verdict:
    return Verdict(
        state="unknown", kind=kind, reason=unknown.why + of, steps=(f"-- {unknown.remedy}",)
    )


def _without_index(found: Catalogue) -> Iterator[Verdict]:
    partitioned = {index.table for index in found.indexes if index.row.is_partitioned}
    there = by_table(found.indexes)
    for key in found.foreign_keys:
        if any(foreign.serves(index, key.columns) for index in there[key.table]):
            continue
        yield Verdict(
            state="found",
            kind="fk_without_index",
            schema_name=key.row.schema_name,
            table_name=key.row.table_name,
            columns=f"({', '.join(key.columns)})",
            reason=f"{key.row.constraint_name} has no index, so each row that goes from "
            f"{key.row.to_table} reads the whole of {key.row.table_name}",
            steps=statements.indexing(
                key, engine=found.engine, is_partitioned=key.table in partitioned
            ),
        )


def lasted(age_s: int) -> str:
    """Return a length of time in the largest unit that leaves it two or more."""
    for unit, seconds in (("days", _DAY_S), ("hours", 3600), ("minutes", 60)):
        if age_s >= 2 * seconds:
            return f"{age_s // seconds} {unit}"
    return f"{age_s} seconds"
