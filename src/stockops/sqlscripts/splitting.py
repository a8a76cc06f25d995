"""Split a script into its statements, each with its line, without a server."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from ..errors import ConfigError
from . import compound, lexing
from .lexing import Token, Unterminated

_WORDS_MAX = 48
_FILES_KEPT = 64  # a run reads the schema's files twice: as it begins, and once it holds the lock


@dataclass(frozen=True, slots=True)
class Statement:
    """
    One statement as it is sent: no delimiter, no comment before or after it.

    `words` are its first words in capitals, outside of strings, comments and quoted names;
    `line` counts from 1.
    """

    number: int
    line: int
    text: str
    words: tuple[str, ...]

    @property
    def sha256(self) -> str:
        """The hash of its canonical text, in hex."""
        return hashlib.sha256(canonical(self.text).encode()).hexdigest()

    @property
    def summary(self) -> str:
        """The beginning of it, on one line."""
        flat = " ".join(self.text.split())
        return flat if len(flat) <= 100 else f"{flat[:99]}…"


def canonical(text: str) -> str:
    """
    Return what is hashed of `text`: no byte order mark, LF, no trailing blanks, one LF at the end.

    Blanks elsewhere stay, since they may be inside a literal.
    """
    unmarked = text.removeprefix("\ufeff").replace("\r\n", "\n")
    return "\n".join(line.rstrip(" \t") for line in unmarked.split("\n")).rstrip("\n") + "\n"


def split(engine: str, text: str, *, name: str) -> list[Statement]:
    r"""
    Return the statements of `text` in order, as `engine` would read them.

    Raises `ConfigError` with ``name:line`` where something has no end, or where a command of the
    engine's own client (``\copy``, ``COPY … FROM STDIN``) stands, which no server knows.
    """
    return list(_split(engine, text, name))


@lru_cache(maxsize=_FILES_KEPT)
def _split(engine: str, text: str, name: str) -> tuple[Statement, ...]:
    try:
        groups = list(_postgresql(text) if engine == "postgresql" else _mariadb(text))
    except Unterminated as exc:
        raise ConfigError(
            f"{name}:{_line(text, exc.start)}: {exc.what} begins here and never ends",
            hint="Close it, or look for an unclosed quote before it.",
        ) from exc
    statements = []
    for number, group in enumerate(groups, 1):
        statements.append(_statement(number, group, text))
        place = f"{name}:{statements[-1].line}"
        _refuse_client_words(statements[-1], place)
        _refuse_psql(group, place)
    return tuple(statements)


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _statement(number: int, group: list[Token], text: str) -> Statement:
    words = tuple(token.word for token in group if token.kind == "word")
    start = group[0].start
    last = group[-1]
    return Statement(
        number, _line(text, start), text[start : last.start + len(last.text)], words[:_WORDS_MAX]
    )


def _refuse_psql(group: list[Token], place: str) -> None:
    for token in group:
        if token.kind == "client":
            raise ConfigError(
                f"{place}: {token.text.split()[0]} is a command of psql, not SQL",
                hint="Write it as SQL, or take it out.",
            )


def _refuse_client_words(statement: Statement, place: str) -> None:
    words = statement.words
    if words[:1] == ("COPY",) and "STDIN" in words:
        raise ConfigError(
            f"{place}: COPY FROM STDIN has no input in a migration",
            hint="Write the rows as INSERT ... VALUES.",
        )
    if words[:1] == ("DELIMITER",):
        raise ConfigError(
            f"{place}: DELIMITER needs one sign and nothing else on its line",
            hint="Write for example: DELIMITER //",
        )


def _meaningful(group: list[Token]) -> list[Token]:
    """Drop blanks and comments at both ends; those inside stay part of the statement."""
    solid = [i for i, token in enumerate(group) if token.kind not in ("space", "comment")]
    return group[solid[0] : solid[-1] + 1] if solid else []


def _postgresql(text: str) -> Iterator[list[Token]]:
    group: list[Token] = []
    opened: list[int] = []  # brackets, then BEGIN ATOMIC and the CASEs inside it
    words: list[str] = []
    for token in lexing.postgresql(text):
        if token.kind == "end" and not opened:
            if solid := _meaningful(group):
                yield solid
            group, words = [], []
            continue
        if token.kind == "client" and not _meaningful(group):
            yield [token]
            continue
        group.append(token)
        if token.kind == "open":
            opened.append(token.start)
        elif token.kind == "close" and opened:
            opened.pop()
        elif token.kind == "word":
            words.append(token.word)
            _follow_body(words, opened, token.start)
    if opened:
        raise Unterminated("a bracket or a BEGIN ATOMIC body", opened[-1])
    if solid := _meaningful(group):
        yield solid


def _follow_body(words: list[str], opened: list[int], at: int) -> None:
    """Count the levels of a ``BEGIN ATOMIC … END`` body (PostgreSQL 14+), as psql does."""
    made = words[1:2] if words[1:3] != ["OR", "REPLACE"] else words[3:4]
    if words[0] != "CREATE" or made not in (["FUNCTION"], ["PROCEDURE"]):
        return
    if words[-2:] == ["BEGIN", "ATOMIC"] or (words[-1] == "CASE" and "ATOMIC" in words):
        opened.append(at)
    elif words[-1] == "END" and "ATOMIC" in words and opened:
        opened.pop()


def _mariadb(text: str) -> Iterator[list[Token]]:
    group: list[Token] = []
    followed = compound.Statement()
    delimiter = ";"
    for token in lexing.mariadb(text):
        if token.kind == "client":
            delimiter = token.text.split()[1]
            continue
        # Under a delimiter of one's own the client looks for nothing else, and neither do we.
        if token.kind == "end" and (delimiter != ";" or followed.depth == 0):
            if solid := _meaningful(group):
                yield solid
            group, followed = [], compound.Statement()
            continue
        group.append(token)
        if token.kind not in ("space", "comment"):
            followed.see(token)
    solid = _meaningful(group)
    if solid and followed.depth and delimiter == ";":
        raise Unterminated(followed.innermost or "a bracket", solid[0].start)
    if solid:
        yield solid
