"""
Find the columns that hold personal data, and hold them against what the schema declares.

A column is looked at by its name, its comment, its type, what it refers to, and its first and last
values by key. What is said of values is how many look like what, and what they are built like.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from .. import catalog
from ..catalog import Catalog, Column
from ..engine.base import Server
from ..errors import Fault, Finding, ServerError
from ..indexes.candidates import quoted
from . import shapes
from .declarations import Declarations
from .shapes import Kind

State = Literal["declared", "pseudonym", "excused", "undeclared", "gone", "unseen"]
Confidence = Literal["high", "medium", "low", "none"]

ROWS = 1000
_MOST = 0.5
_WHOLE_TABLES = 0.9
_LONG_CHARACTERS = 200
_NOBODYS = "stockops_no_such_table.c"  # who sees everything is told that it is not there
_RANK: Mapping[Confidence, int] = {"none": 0, "low": 1, "medium": 2, "high": 3}
_NAMES: Mapping[Kind, re.Pattern[str]] = {
    "resident_number": re.compile(r"rrn|resident|jumin|(^|_)ssn|passport"),
    "email": re.compile(r"e?_?mail"),
    "phone": re.compile(r"phone|mobile|(^|_)(tel|fax)(_|$)"),
    "account": re.compile(r"account_(no|number)|iban|(^|_)card_?(no|number)"),
    "token": re.compile(r"token|secret|passw|api_?key|credential|ciphertext"),
    "person": re.compile(r"birth|gender|address|(^|_)ip(_|$)"),
    "free_text": re.compile(r"(^|_)(body|memo|note|comment|message|remark|detail)s?$"),
    "pseudonym": re.compile(r"^(user|customer|member)_id$"),
    "name": re.compile(r"(^|_)name$|nick"),
}
_COMMENTS: Mapping[Kind, re.Pattern[str]] = {
    "resident_number": re.compile(r"resident (registration )?number"),
    "email": re.compile(r"e-?mail address"),
    "phone": re.compile(r"(mobile|phone) number"),
    "person": re.compile(r"date of birth|(home|postal|ip) address"),
    "token": re.compile(r"\b(access token|password|secret)\b"),
    "name": re.compile(r"(full|family|given|first|last) name"),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """One piece of evidence."""

    kind: Kind
    confidence: Confidence
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """A column that looks like personal data, or is declared; `values` is how many were read."""

    column: str
    state: State
    kind: str
    confidence: Confidence
    evidence: tuple[str, ...]
    values: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """
    What was looked at, and what was found: the columns that are no finding as well.

    `unseen` are tables that the role may not read. `may_hide` tells that the server would not show
    it tables that nobody declared either.
    """

    columns: int
    values: int
    found: list[Scanned]
    unseen: tuple[str, ...]
    may_hide: bool

    @property
    def findings(self) -> list[Scanned]:
        """What is not as it is declared."""
        return [each for each in self.found if each.state in {"undeclared", "gone"}]


def scan(server: Server, declared: Declarations, *, rows: int = ROWS) -> Scan:
    """
    Return what looks like personal data, by table and column; `rows` of each table are read.

    Raises `Finding` where there is no table, and so nothing to look at.
    """
    there = catalog.read(server)
    if not there.columns:
        raise Finding(
            "there is no table in this database: nothing was looked at",
            hint="Make the tables with: stockops migrate up",
        )
    referring = {
        f"{key.table_name}.{key.columns}": key.to_table
        for key in there.foreign_keys
        if "," not in key.columns and key.to_table in {table.name for table in declared.tables}
        if key.to_table == "users"
    }
    unread: set[str] = set()
    samples = dict(_samples(server, there, rows, unread))
    found, values = [], 0
    for column in there.columns:
        name = f"{column.table_name}.{column.column_name}"
        texts = samples.get(name, ())
        values += len(texts)
        seen = [*_of_catalogue(column, referring.get(name)), *_of_values(column, texts)]
        if (line := _judged(name, seen, declared, len(texts))) is not None:
            found.append(line)
    known = {f"{each.table_name}.{each.column_name}" for each in there.columns}
    missing = _missing(server, declared, known)
    unread |= {each.column.partition(".")[0] for each in missing if each.state == "unseen"}
    return Scan(
        columns=len(there.columns),
        values=values,
        found=found + missing,
        unseen=tuple(sorted(unread)),
        may_hide=_is_denied(server, _NOBODYS),
    )


def _of_catalogue(column: Column, refers_to: str | None) -> Iterator[Seen]:
    """Yield what the name, the comment, the type and the references of `column` say."""
    if refers_to is not None:
        yield Seen("pseudonym", "high", f"refers to {refers_to}")
    if not _is_text(column) and column.family not in {"bigint", "int", "binary"}:
        return
    name, comment = column.column_name.lower(), column.comment.lower()
    for kind, pattern in _NAMES.items():
        if pattern.search(name) and (kind == "pseudonym" or column.family != "int"):
            yield Seen(kind, "medium", f"its name looks like {_words(kind)}")
            break
    for kind, pattern in _COMMENTS.items():
        if (said := pattern.search(comment)) and _is_text(column):
            yield Seen(kind, "medium", f"its comment says {said[0]!r}")
    if _is_long(column):
        yield Seen("free_text", "low", f"its type has room for prose: {column.family}")


def _of_values(column: Column, texts: Sequence[str]) -> Iterator[Seen]:
    if not texts:
        return
    built = Counter(map(shapes.shape, texts)).most_common(1)[0][0]
    for kind, hits in sorted(shapes.count(texts).items()):
        share = hits.whole / len(texts)
        words = f"{hits.whole} of {len(texts)} values look like {_words(kind)}, as {built}"
        if kind == "name" and share < _WHOLE_TABLES and column.column_name != "name":
            continue
        if share >= _MOST:
            yield Seen(kind, "high", words)
        elif kind in shapes.INSIDE and _is_text(column):
            total = hits.whole + hits.inside
            held = f"{total} of {len(texts)} values hold {_words(kind)}"
            yield Seen(kind, "medium", held)


def _judged(name: str, seen: list[Seen], declared: Declarations, values: int) -> Scanned | None:
    """Return what `seen` of a column comes to against what is declared of it; None for nothing."""
    personal, excused = declared.personal.get(name), declared.excused.get(name)
    state: State = "undeclared"
    said: tuple[str, ...] = ()
    if personal is not None:
        state = "declared"
        bad = [each for each in seen if each.kind == "resident_number" != personal.kind]
    elif name in declared.pseudonyms:
        state = "pseudonym"
        bad = [each for each in seen if each.kind != "pseudonym"]
    elif excused is not None:
        state, said = "excused", (excused.why,)
        bad = [each for each in seen if each.kind not in excused.looks]
    else:
        bad = seen
    if bad:
        state, seen = "undeclared", bad
    elif not seen and state == "undeclared":
        return None
    # Prose is the least of what may be said: what it holds goes before.
    best = max(
        seen, key=lambda each: (each.kind != "free_text", _RANK[each.confidence]), default=None
    )
    return Scanned(
        column=name,
        state=state,
        kind=best.kind if best else personal.kind if personal else "",
        confidence=best.confidence if best else "none",
        evidence=(*said, *(each.words for each in seen)) or ("nothing was found in it",),
        values=values,
    )


def _missing(server: Server, declared: Declarations, known: set[str]) -> list[Scanned]:
    """Return what is declared and not in the catalogue: MariaDB shows only what a role may use."""
    names = [*declared.personal, *sorted(declared.pseudonyms), *declared.excused]
    return [_absent(server, declared, name) for name in names if name not in known]


def _absent(server: Server, declared: Declarations, name: str) -> Scanned:
    denied = _is_denied(server, name)
    why = "this role may not see it" if denied else "there is no such column"
    return Scanned(
        column=name,
        state="unseen" if denied else "gone",
        kind="",
        confidence="none",
        evidence=(f"{declared.path.name} declares it, and {why}",),
        values=0,
    )


def _is_denied(server: Server, name: str) -> bool:
    """Tell whether the role may not read the column `name`; one that is gone is another error."""
    table, column = (quoted(part, server.engine) for part in name.split("."))
    try:
        server.rows(f"SELECT {column} FROM {table} LIMIT 0")  # noqa: S608  a declared name
    except ServerError as exc:
        return exc.fault is Fault.DENIED
    return False


def _samples(
    server: Server, there: Catalog, rows: int, unread: set[str]
) -> Iterator[tuple[str, list[str]]]:
    """
    Yield the first and the last values of each column that could hold text.

    A table that the role may not read goes to `unread`.
    """
    by_table: dict[str, list[Column]] = defaultdict(list)
    for column in there.columns:
        if _is_text(column) or column.family == "bigint":
            by_table[column.table_name].append(column)
    keys = {each.table_name: each.columns for each in there.indexes if each.is_primary}
    for table, columns in by_table.items():
        try:
            got = _ends(server, table, columns, keys.get(table, ""), rows // 2)
        except ServerError as exc:
            if exc.fault is not Fault.DENIED:
                raise
            unread.add(table)
            continue
        for column in columns:
            texts = [str(row[column.column_name]) for row in got if row[column.column_name]]
            yield f"{table}.{column.column_name}", texts


def _ends(
    server: Server, table: str, columns: Sequence[Column], key: str, rows: int
) -> list[dict[str, object]]:
    """Return the first `rows` of `table` by its primary key, and the last."""
    got: list[dict[str, object]] = []
    listed = ", ".join(_as_text(server.engine, each) for each in columns)
    for way in ("ASC", "DESC"):
        order = [f"{quoted(each, server.engine)} {way}" for each in key.split(",") if each]
        by = f" ORDER BY {', '.join(order)}" if order else ""
        got += server.rows(
            f"SELECT {listed} FROM {quoted(table, server.engine)}{by} LIMIT {rows:d}"  # noqa: S608  names of the catalogue
        )
        if not order or len(got) < rows:  # that was all of it
            break
    return got


def _as_text(engine: str, column: Column) -> str:
    name = quoted(column.column_name, engine)
    kind = "text" if engine == "postgresql" else "char"
    return f"CAST({name} AS {kind}) AS {name}"


def _is_text(column: Column) -> bool:
    return column.family.startswith(("varchar", "char", "text", "json", "citext"))


def _is_long(column: Column) -> bool:
    size = re.search(r"\((\d+)\)", column.family)
    return _is_text(column) and (size is None or int(size[1]) >= _LONG_CHARACTERS)


def _words(kind: Kind) -> str:
    return {"free_text": "prose", "person": "what tells of a person"}.get(
        kind, f"{'an' if kind[0] in 'aeiou' else 'a'} {kind.replace('_', ' ')}"
    )
