"""
What a statement of MariaDB takes away: which tables, and how.

Only the beginning of a statement is read, as words and names; no grammar of all of SQL is needed
to tell DROP TABLE from what merely mentions it in a text or in a comment.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_EXECUTED = re.compile(r"/\*M?!\d*(.*?)\*/", re.DOTALL)
_TOKEN = re.compile(
    r"""
      (?P<skipped> /\*.*?\*/ | --(?:\s[^\n]*)?(?:\n|\Z) | \#[^\n]*(?:\n|\Z) | \s+ )
    | `(?P<back>(?:[^`]|``)*)`
    | "(?P<double>(?:[^"]|"")*)"
    | (?P<text>'(?:[^'\\]|''|\\.)*')
    | (?P<word>[\w$]+)
    | (?P<other>.)
    """,
    re.DOTALL | re.VERBOSE,
)
_CHARACTERS_MAX = 64 << 10  # of a statement that are looked at: names stand at its beginning


@dataclass(frozen=True, slots=True)
class Loss:
    """One table (of `database` where one is named) that a statement takes away or empties."""

    what: str  # "drop", "truncate", "rename", "replace", "drop partition", "drop database"
    database: str | None
    table: str | None  # None: every table of the database


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    quoted: bool = False

    def is_word(self, *words: str) -> bool:
        return not self.quoted and self.text.upper() in words


def losses(statement: str) -> list[Loss]:
    """Return what `statement` takes away; nothing where it is about something else."""
    text = _EXECUTED.sub(r" \1 ", statement[:_CHARACTERS_MAX])
    reader = _Reader(list(_tokens(text)))
    if reader.skip("DROP"):
        return _dropped(reader)
    if reader.skip("TRUNCATE"):
        reader.skip("TABLE")
        return [_loss("truncate", name) for name in [reader.name()] if name]
    if reader.skip("RENAME"):
        return _renamed(reader) if reader.skip("TABLE", "TABLES") else []
    if reader.skip("CREATE"):
        replaces = reader.skip("OR") and reader.skip("REPLACE")
        if not replaces or reader.skip("TEMPORARY") or not reader.skip("TABLE"):
            return []
        return [_loss("replace", name) for name in [reader.name()] if name]
    return _altered(reader) if reader.skip("ALTER") else []


def matches(loss: Loss, wanted: str, *, database: str) -> bool:
    """
    Tell whether `loss`, in a session whose database was `database`, took the table `wanted`.

    `wanted` is a name, or database.name. Of a database that went, nobody can tell from the
    statement whether the table was in it: it counts.
    """
    where, asked = (loss.database or database).casefold(), wanted.casefold()
    if loss.table is None:
        return "." not in asked or asked.startswith(f"{where}.")
    table = loss.table.casefold()
    return asked in {table, f"{where}.{table}"}


def _dropped(reader: "_Reader") -> list[Loss]:
    if reader.skip("DATABASE", "SCHEMA"):
        reader.skip_if_exists()
        name = reader.name()
        return [Loss("drop database", name[1], None)] if name else []
    if reader.skip("TEMPORARY") or not reader.skip("TABLE", "TABLES"):
        return []
    reader.skip_if_exists()
    found = []
    while name := reader.name():
        found.append(_loss("drop", name))
        if not reader.skip(","):
            break
    return found


def _renamed(reader: "_Reader") -> list[Loss]:
    found = []
    reader.skip_if_exists()
    while name := reader.name():
        found.append(_loss("rename", name))
        while not reader.over and not reader.skip("TO"):
            reader.take()  # WAIT n, NOWAIT
        reader.name()
        if not reader.skip(","):
            break
    return found


def _altered(reader: "_Reader") -> list[Loss]:
    while reader.skip("ONLINE", "IGNORE"):
        pass
    if not reader.skip("TABLE"):
        return []
    reader.skip_if_exists()
    name = reader.name()
    if name is None:
        return []
    while not reader.over:
        for verb in ("DROP", "TRUNCATE"):
            if reader.skip(verb) and reader.skip("PARTITION"):
                return [_loss(f"{verb.lower()} partition", name)]
        if reader.skip("RENAME") and not reader.skip("COLUMN", "INDEX", "KEY"):
            return [_loss("rename", name)]
        reader.take()
    return []


def _loss(what: str, name: tuple[str | None, str]) -> Loss:
    return Loss(what, *name)


class _Reader:
    """The words of a statement, one after the other."""

    def __init__(self, tokens: Sequence[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def over(self) -> bool:
        return self._at >= len(self._tokens)

    def take(self) -> _Token | None:
        if self.over:
            return None
        self._at += 1
        return self._tokens[self._at - 1]

    def skip(self, *words: str) -> bool:
        """Go on if one of `words` is next."""
        if self.over or not self._tokens[self._at].is_word(*words):
            return False
        self._at += 1
        return True

    def skip_if_exists(self) -> None:
        if self.skip("IF"):
            self.skip("EXISTS")

    def name(self) -> tuple[str | None, str] | None:
        """Return the name that is next: its database if that is said, and the name."""
        first = self.take()
        if first is None or not (first.quoted or first.text[0].isalnum() or first.text[0] in "_$"):
            return None
        if not self.skip("."):
            return None, first.text
        second = self.take()
        return (first.text, second.text) if second else None


def _tokens(text: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(text):
        if match["back"] is not None:
            yield _Token(match["back"].replace("``", "`"), quoted=True)
        elif match["double"] is not None:
            yield _Token(match["double"].replace('""', '"'), quoted=True)
        elif match["text"] is None and match["skipped"] is None:
            yield _Token(match["word"] or match["other"])
