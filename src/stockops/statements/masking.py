"""
The first pass: every literal and placeholder becomes `HOLE`, every comment a blank.

It runs for each execution in a log, so it is left to the regular expression engine: one match eats
everything up to a literal (the *run*, captured) and the literal itself, and the runs, joined, are
the masked text. What is done with words is left to the second pass, which runs once for each
masked text. Quantifiers are possessive, and what does not end is eaten whole: no input is read more
than a few times.
"""

import re
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from .. import patterns
from .tags import Tags, tags_of

Dialect = Literal["postgresql", "mariadb"]

# Stands for a literal in a masked text. No text that comes in keeps a character of `ODD`.
HOLE = "\0"
_MARK = "\1"
_END = f"{HOLE}{_MARK}{HOLE}"
# Controls, and what else `str.splitlines` takes for the end of a line: blanks, from here on.
ODD = patterns.compiled("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]")


def letters(but: str = "", *, more: str = "") -> str:
    """
    Return the class of what a name is made of but for `but`, and of the characters of `more`.

    Both servers take every byte above ASCII for a letter. The class is said by what is not in it:
    to compile one that names all that is above ASCII takes a hundred times as long.
    """
    within = set(string.ascii_letters + string.digits + "_$" + more) - set(but)
    return f"[^{re.escape(''.join(sorted(set(map(chr, range(128))) - within)))}]"


LETTER = letters()
_OTHER = LETTER.replace("^", "", 1)
_DIGITS = r"[0-9][0-9_]*+"
NUMBER = (
    r"(?:0[xX][0-9a-fA-F_]++|0[oO][0-7_]++|0[bB][01_]++"
    rf"|{_DIGITS}(?:\.(?!\.)[0-9_]*+)?+(?:[eE][+-]?[0-9]++)?+"
    rf"|\.{_DIGITS}(?:[eE][+-]?[0-9]++)?+)(?!{LETTER})"
)
_PLAIN = r"'[^'\0]*+(?:''[^'\0]*+)*+'"
_ESCAPED = r"'[^'\\\0]*+(?:(?:\\[^\0]|'')[^'\\\0]*+)*+'"
_ESCAPED_DOUBLE = r'"[^"\\\0]*+(?:(?:\\[^\0]|"")[^"\\\0]*+)*+"'
_AFTER_E = rf"(?:(?<=\A[eE])|(?<={_OTHER}[eE]))"
_NOT_AFTER_E = rf"(?<!\A[eE])(?<!{_OTHER}[eE])"
_STRINGS = rf"{_AFTER_E}{_ESCAPED}|{_NOT_AFTER_E}{_PLAIN}"

_AFTER_COLON = letters("$")
_PERCENT = r"(?:s(?![0-9A-Za-z_(])|\([^()'\0]{1,64}\)s)"
_PLACEHOLDERS = rf":{_AFTER_COLON}++|%{_PERCENT}"
_TAG = f"(?:{letters('$' + string.digits)}{letters('$')}*+)?+"


_AFTER_NAME = letters(more='"`)]')
_AFTER_VALUE = letters(more=':)]"`?')


def _run(*, stops: str, more: str) -> str:
    """Return what stands between literals; each alternative excludes that one begins in it."""
    return (
        rf"[^'\"`0-9:.%/\0{stops}]++"
        rf"|(?<={LETTER})[0-9]++|(?!{NUMBER})[0-9]++"
        rf"|\.(?!{NUMBER})|(?<={_AFTER_NAME})\."
        # After one of these a colon is of a slice, a cast or a label, and a percent sign divides.
        rf"|:(?!{_AFTER_COLON})|(?<={_AFTER_VALUE}):"
        rf"|%(?!{_PERCENT})|(?<![\s(,=<>\[])%"
        r"|/\*\+(?:[^*\0]++|\*(?!/))*+(?:\*/)?+|/\*M?!?[0-9]*+|/"
        rf"|{more}"
    )


EXECUTED = patterns.compiled(r"/\*M?![0-9]*+")
_SIGNS = patterns.compiled(r"/\*|\*/")


def _spaced(text: str) -> str:
    return " ".join(text.replace("/*", " ").replace("*/", " ").split())


@dataclass(frozen=True, slots=True)
class Masked:
    """A statement without its literals, and what is left aside: its tags, and whether it ended."""

    text: str
    cut: bool = False
    tags: Tags = ()


@dataclass(slots=True)
class _Stripped:
    """A text without comments, as it is built."""

    pieces: list[str] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Grammar:
    """What one dialect takes for a literal, a name and a comment."""

    # Gives the runs of a text with `_END` behind it.
    runs: Callable[[str], list[str]]
    # Eats up to a comment or a dollar quote.
    code: re.Pattern[str]
    # What else may begin a comment or a dollar quote: a sign, and the search for it.
    sign: str
    search: Callable[[str], re.Match[str] | None]
    nested: bool

    def mask(self, sql: str) -> Masked:
        """Mask the literals of `sql`; what it does not end is masked to the end of the text."""
        if not sql.isprintable():
            sql = ODD.sub(" ", sql)
        tags: Tags = ()
        cut = False
        if "/*" in sql or "--" in sql or (self.sign in sql and self.search(sql)):
            stripped = self._strip(sql)
            sql, cut = "".join(stripped.pieces), stripped.cut
            tags = tuple(sorted(stripped.tags.items()))
        runs = self.runs(sql + _END)
        # A string that does not end has eaten the mark between the two ends.
        if runs.pop() != _MARK:
            return Masked(HOLE.join([*runs, ""]), cut=True, tags=tags)
        return Masked(HOLE.join(runs), cut=cut, tags=tags)

    def _strip(self, sql: str) -> _Stripped:
        found = _Stripped()
        pos = 0
        while pos < len(sql):
            match = self.code.match(sql, pos)
            end = match.end() if match else pos
            found.pieces.append(sql[pos:end])
            pos = self._beside(sql, end, found) if end < len(sql) else end
        return found

    def _beside(self, sql: str, pos: int, found: _Stripped) -> int:
        """Take what begins at `pos`, which is no code, and return where it ends."""
        if sql[pos] == "$":
            tag = sql[pos : sql.index("$", pos + 1) + 1]
            end = sql.find(tag, pos + len(tag))
            found.cut |= end < 0
            found.pieces.append(" '' ")
            return end + len(tag) if end >= 0 else len(sql)
        if sql[pos] != "/":
            end = sql.find("\n", pos)
            found.pieces.append(" ")
            return end if end >= 0 else len(sql)
        if not self.nested and (opening := EXECUTED.match(sql, pos)):
            found.pieces.append(f" {opening[0]} ")
            return opening.end()
        return self._comment(sql, pos, found)

    def _comment(self, sql: str, pos: int, found: _Stripped) -> int:
        end = _nested_end(sql, pos) if self.nested else sql.find("*/", pos + 2)
        found.cut |= end < 0
        text = sql[pos + 2 : end] if end >= 0 else sql[pos + 2 :]
        if text.startswith("+"):
            found.pieces.append(f" /*+ {_spaced(text[1:])} */ ")
        else:
            found.tags.update(tags_of(text))
            found.pieces.append(" ")
        return end + 2 if end >= 0 else len(sql)


def _nested_end(sql: str, pos: int) -> int:
    """Return where the sign stands that ends the comment at `pos`; -1 when none does."""
    depth = 0
    for sign in _SIGNS.finditer(sql, pos):
        depth += 1 if sign[0] == "/*" else -1
        if not depth:
            return sign.start()
    return -1


def _grammar(*, run: str, literals: str, quotes: str, code: str, special: str) -> Grammar:
    pattern = rf"((?:{run})*+)(?:{literals}|{NUMBER}|{_PLACEHOLDERS}|[{quotes}][^\0]*+\0\x01|\0)"
    return Grammar(
        runs=patterns.compiled(pattern).findall,
        code=patterns.compiled(rf"(?:{code})*+", re.DOTALL),
        sign=special[-1],
        search=patterns.compiled(special).search,
        nested=special[-1] == "$",
    )


def _postgresql() -> Grammar:
    return _grammar(
        run=_run(stops="$", more=rf'"[^"\0]*+"?+|`|(?<={LETTER})\$|\$(?![0-9])'),
        literals=rf"{_STRINGS}|\$[0-9]++",
        quotes="'",
        code=(
            rf"[^'\"$/\-]++|{_STRINGS}|'.*+|\"[^\"]*+\"?+"
            rf"|(?<={LETTER})\$|\$(?!{_TAG}\$)|-(?!-)|/(?!\*)"
        ),
        special=rf"(?<!{LETTER})\${_TAG}\$",
    )


def _mariadb(*, ansi_quotes: bool) -> Grammar:
    names = r"`[^`\0]*+`?+" + (r'|"[^"\0]*+"?+' if ansi_quotes else "")
    strings = _ESCAPED if ansi_quotes else f"{_ESCAPED}|{_ESCAPED_DOUBLE}"
    quotes = "'" if ansi_quotes else "'\""
    return _grammar(
        run=_run(stops="?", more=names),
        literals=rf"{strings}|\?",
        quotes=quotes,
        code=rf"[^'\"`/#\-]++|{strings}|[{quotes}].*+|{names}|-(?!-(?:\s|\Z))|/(?!\*)",
        special="#",
    )


@cache
def grammar(dialect: Dialect, *, ansi_quotes: bool = False) -> Grammar:
    """Return what `dialect` takes for what; with `ansi_quotes` MariaDB's double quotes name."""
    return _postgresql() if dialect == "postgresql" else _mariadb(ansi_quotes=ansi_quotes)
