"""
Cut SQL into tokens, as each server's own parser would: what is code, what is text, what is neither.

Only as much grammar as it takes to find where a statement ends: words, quoted names, strings,
comments, brackets and delimiters. Joined together again the tokens are the input, byte for byte.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from .. import patterns

Kind = Literal[
    "space", "comment", "string", "name", "word", "open", "close", "end", "client", "sign"
]
Spot = tuple[Kind, int] | None


class Unterminated(Exception):
    """Something that began at `start` has no end; `statements.split` says where."""

    def __init__(self, what: str, start: int) -> None:
        super().__init__(what)
        self.what = what
        self.start = start


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text, and where it begins."""

    kind: Kind
    text: str
    start: int

    @property
    def word(self) -> str:
        """The word in capitals; empty for every other kind."""
        return self.text.upper() if self.kind == "word" else ""


_SPACE = patterns.compiled(r"\s+")
_WORD = patterns.compiled(r"[^\W\d][\w$]*|\d[\w]*")
_SIGNS: dict[str, Kind] = {"(": "open", ")": "close", ";": "end"}

_PG_LINE_COMMENT = patterns.compiled(r"--[^\n]*")
_PG_COMMENT_EDGE = patterns.compiled(r"/\*|\*/")
_PG_ESCAPED = patterns.compiled(r"[eE]'(?:[^'\\]|\\.|'')*+'", re.DOTALL)
_PG_STRING = patterns.compiled(r"'(?:[^']|'')*+'")
_PG_NAME = patterns.compiled(r'"(?:[^"]|"")*+"')
_PG_DOLLAR = patterns.compiled(r"\$(?:[^\W\d]\w*)?\$")
_PG_CLIENT = patterns.compiled(r"\\[^\n]*")

_MY_LINE_COMMENT = patterns.compiled(r"#[^\n]*|--(?=[\s\x00-\x1f]|\Z)[^\n]*")
# Servers run what is inside /*! */ and /*M! */, except when it asks for a version never made.
_MY_CODE_COMMENT = patterns.compiled(r"/\*M?!(?!999999)\d*")
_MY_COMMENT = patterns.compiled(r"/\*.*?\*/", re.DOTALL)
_MY_STRING = patterns.compiled(r"'(?:[^'\\]|\\.|'')*+'|\"(?:[^\"\\]|\\.|\"\")*+\"", re.DOTALL)
_MY_NAME = patterns.compiled(r"`(?:[^`]|``)*+`")
_MY_DELIMITER = patterns.compiled(r"DELIMITER[ \t]+(?P<sign>\S+)[ \t]*(?=\n|\Z)", re.IGNORECASE)


def postgresql(text: str) -> Iterator[Token]:
    """
    Yield the tokens of `text` as PostgreSQL reads it with `standard_conforming_strings` on.

    A psql command (a backslash outside of strings) comes as one token of kind ``client``.
    """
    at = 0
    while at < len(text):
        kind, end = _postgresql_spot(text, at) or _plain_spot(text, at)
        yield Token(kind, text[at:end], at)
        at = end


def _postgresql_spot(text: str, at: int) -> Spot:  # noqa: PLR0911  one line a kind of token
    match text[at]:
        case "-" if found := _PG_LINE_COMMENT.match(text, at):
            return "comment", found.end()
        case "/" if text.startswith("/*", at):
            return "comment", _nested_comment_end(text, at)
        case "'":
            return "string", _ended(_PG_STRING, text, at, "string")
        case "e" | "E" if text.startswith("'", at + 1):
            return "string", _ended(_PG_ESCAPED, text, at, "string")
        case '"':
            return "name", _ended(_PG_NAME, text, at, "quoted name")
        case "$" if tag := _PG_DOLLAR.match(text, at):
            end = text.find(tag[0], tag.end())
            if end < 0:
                raise Unterminated(f"dollar quote {tag[0]}", at)
            return "string", end + len(tag[0])
        case "\\" if found := _PG_CLIENT.match(text, at):
            return "client", found.end()
        case _:
            return None


def _nested_comment_end(text: str, at: int) -> int:
    depth = 0
    for edge in _PG_COMMENT_EDGE.finditer(text, at):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return edge.end()
    raise Unterminated("comment", at)


def _ended(pattern: re.Pattern[str], text: str, at: int, what: str) -> int:
    if found := pattern.match(text, at):
        return found.end()
    raise Unterminated(what, at)


def _plain_spot(text: str, at: int) -> tuple[Kind, int]:
    if found := _SPACE.match(text, at):
        return "space", found.end()
    if found := _WORD.match(text, at):
        return "word", found.end()
    return _SIGNS.get(text[at], "sign"), at + 1


def mariadb(text: str) -> Iterator[Token]:
    """
    Yield the tokens of `text` as MariaDB reads it without ANSI_QUOTES or NO_BACKSLASH_ESCAPES.

    ``DELIMITER //`` is a word of the client, not of the server: it comes as one token of kind
    ``client``, and from there on ``//`` is what ends a statement. A comment that the server
    runs comes as its opening ``/*!`` (kind ``open``), what is in it, and ``*/`` (``close``).
    """
    at = 0
    delimiter = ";"
    fresh = True  # nothing but blanks and comments since the last delimiter
    inside: list[int] = []
    while at < len(text):
        if fresh and (found := _MY_DELIMITER.match(text, at)) and _starts_line(text, at):
            delimiter = found["sign"]
            kind: Kind = "client"
            end = found.end()
        else:
            kind, end = _mariadb_spot(text, at, delimiter, bool(inside))
        if text.startswith("/*", at) and kind == "open":
            inside.append(at)
        elif kind == "close" and text[at] == "*":
            inside.pop()
        fresh = kind in ("end", "client") or (fresh and kind in ("space", "comment"))
        yield Token(kind, text[at:end], at)
        at = end
    if inside:
        raise Unterminated("comment", inside[-1])


def _starts_line(text: str, at: int) -> bool:
    return not text[text.rfind("\n", 0, at) + 1 : at].strip()


def _mariadb_spot(text: str, at: int, delimiter: str, in_code_comment: bool) -> tuple[Kind, int]:
    if text.startswith(delimiter, at):
        return "end", at + len(delimiter)
    if in_code_comment and text.startswith("*/", at):
        return "close", at + 2
    kind, end = _mariadb_quoted(text, at) or _plain_spot(text, at)
    if kind == "end":  # a plain ; while DELIMITER says otherwise
        kind = "sign"
    if kind == "word" and (cut := text.find(delimiter, at, end)) > at:
        end = cut
    return kind, end


def _mariadb_quoted(text: str, at: int) -> Spot:
    match text[at]:
        case "-" | "#" if found := _MY_LINE_COMMENT.match(text, at):
            return "comment", found.end()
        case "/" if found := _MY_CODE_COMMENT.match(text, at):
            return "open", found.end()
        case "/" if text.startswith("/*", at):
            return "comment", _ended(_MY_COMMENT, text, at, "comment")
        case "'" | '"':
            return "string", _ended(_MY_STRING, text, at, "string")
        case "`":
            return "name", _ended(_MY_NAME, text, at, "quoted name")
        case _:
            return None
