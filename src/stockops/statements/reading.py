"""
The second pass: a masked text becomes the text of its class.

One walk over the lexemes, each put behind those before it; lists and rows of literals collapse
where they end. It runs once for each masked text, and the answers are kept.
"""

import re
from dataclasses import dataclass, field
from functools import cache
from itertools import zip_longest

from .. import patterns
from .masking import EXECUTED, HOLE, LETTER, Dialect
from .shaping import ELLIPSIS, LIST, LITERALS, constant, display, starts_expression, wordlike
from .spelling import INTRODUCER, SPELLINGS, inner

# Deeper parentheses are kept as they are: what a walk back costs must not depend on the depth.
DEPTH_MAX = 64

_WORD = rf"{LETTER}++"
_HINT = r"/\*\+(?:[^*]++|\*(?!/))*+(?:\*/)?+"
_OPERATOR = (
    r"(?=[*/<>=+\-]{0,62}[~!@#%^&|`])[*/<>=+\-~!@#%^&|`]{1,63}+"
    r"|[*/<>=+\-]{0,62}[*/<>=]|[+\-]"
)
_TOKENS: dict[Dialect, str] = {
    "postgresql": (
        rf"(?:[eEnNbBxX]|[uU]&)?{HOLE}(?:\s*+(?i:uescape)\s*+{HOLE})?"
        r'|(?:[uU]&)?"[^"]*+(?:""[^"]*+)*+"?'
        rf"|{_HINT}|::|:=|\.\.\.|@\?|\?\|(?!\|)|\?&(?!&)"
        rf"|(?!\$){_WORD}|{_OPERATOR}|\S"
    ),
    "mariadb": (
        rf"(?:(?i:\(\s*+(?:_charset|{INTRODUCER})\s*+\)\s*+|{INTRODUCER}\s*+)++|[nNbBxX])?{HOLE}"
        r"|\(unknown\)|`[^`]*+(?:``[^`]*+)*+`?"
        r'|"[^"]*+(?:""[^"]*+)*+"?'
        rf"|{_HINT}|{EXECUTED.pattern}|\*/|\.\.\.|{_WORD}"
        r"|:=|<=>|<<|>>|<>|!=|<=|>=|&&|\|\||->>|->|@@|\S"
    ),
}
_QUANTIFIERS = frozenset({"ANY", "SOME", "ALL"})
_KINDS = {"IN": "in", "VALUES": "row", "value": "row"} | dict.fromkeys(_QUANTIFIERS, "any")
_NAMED_LATER = frozenset({"SAVEPOINT", "RELEASE", "ROLLBACK", "DEALLOCATE"})
_MAIN = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE", "VALUES", "TABLE"})
_VALUES = frozenset({"NULL", "TRUE", "FALSE"})
_NO_VALUE_AFTER = {"NULL": frozenset({"NOT", "ON", "SET"})}


@cache
def _tokens(dialect: Dialect) -> re.Pattern[str]:
    """Return what a lexeme is: of a dialect that nobody reads it is not compiled."""
    return patterns.compiled(_TOKENS[dialect], re.ASCII)


@dataclass(frozen=True, slots=True)
class Read:
    """The text of a class, its verb, and whether a quoted name or a comment did not end."""

    text: str
    verb: str
    cut: bool


@dataclass(slots=True)
class _Frame:
    """An open parenthesis: where its content starts, and the rows seen in it."""

    kind: str
    start: int
    rows: set[tuple[str, ...]] | None = None
    row_end: int = -1


@dataclass(slots=True)
class _Reader:
    """The lexemes of one statement, normalised, as far as it was read."""

    dialect: Dialect
    out: list[str] = field(default_factory=list)
    frames: list[_Frame] = field(default_factory=lambda: [_Frame("", 0)])
    cut: bool = False
    running: int = 0

    def take(self, lexeme: str, following: str) -> None:
        """Put `lexeme` behind the others; `following` is the one after it."""
        first = lexeme[0]
        if lexeme[-1] == HOLE or lexeme == "(unknown)":  # so a digest of MariaDB writes x'ff'
            self.literal()
        elif first == "/":
            self.sign(lexeme)
        elif '"' in lexeme or (first == "`" and self.dialect == "mariadb"):
            self.name(lexeme, following)
        elif first.isalnum() or first in "_$" or first > "\x7f":
            self.word(lexeme, following)
        elif first in "([":
            self.open(lexeme)
        elif first in ")]":
            self.close(lexeme)
        elif lexeme == ELLIPSIS:
            self.ellipsis()
        elif lexeme == "?" and not self.is_operator(following):
            self.literal(piece=False)
        else:
            self.sign(lexeme)

    def word(self, lexeme: str, following: str) -> None:
        after_point = self.out[-1:] == ["."]
        word = SPELLINGS[self.dialect].word(lexeme, after_point, following == "(")
        if word in _VALUES and not after_point and self.is_value(word):
            self.literal()
        else:
            self.out.append(word)

    def is_value(self, word: str) -> bool:
        if self.out[-1:] and self.out[-1] in _NO_VALUE_AFTER.get(word, ()):
            return False
        return self.out[-2:] != ["IS", "NOT"] and starts_expression(self.out)

    def name(self, lexeme: str, following: str) -> None:
        quoted = lexeme[2:] if lexeme[0] in "uU" else lexeme
        self.cut |= quoted.count(quoted[0]) % 2 == 1
        if quoted is not lexeme:
            self.out.append('U&"' + inner(quoted).replace('"', '""') + '"')
        else:
            spell = SPELLINGS[self.dialect].name
            self.out.append(spell(lexeme, self.out[-1:] == ["."], following == "("))

    def literal(self, *, piece: bool = True) -> None:
        """Put a literal: with its sign, and as a `piece` of a string as one with that before it."""
        out = self.out
        if piece and out and out[-1] in LITERALS:
            return
        while out and out[-1] in {"+", "-"} and starts_expression(out[-3:-1]):
            out.pop()
        # The digests of performance_schema keep no count of literals in any list.
        if self.dialect == "mariadb" and len(out) > 1 and out[-1] == "," and out[-2] in LITERALS:
            out.pop()
            out[-1] = LIST
        else:
            out.append(HOLE)

    def ellipsis(self) -> None:
        out = self.out
        if len(out) > 1 and out[-1] == "," and out[-2] in LITERALS:
            out.pop()
            out[-1] = LIST
        else:
            out.append(LIST if out[-1:] == ["("] else ELLIPSIS)

    def is_operator(self, following: str) -> bool:
        """Tell PostgreSQL's ``data ? 'key'`` from a placeholder: it has a value on both sides."""
        upper = SPELLINGS[self.dialect].upper
        if not self.out or starts_expression(self.out) or self.out[-1] in upper:
            return False
        if following[-1:] in {HOLE, "?", "("} or following[:1] == '"':
            return True
        return bool(following) and wordlike(following) and following.upper() not in upper

    def sign(self, lexeme: str) -> None:
        if EXECUTED.match(lexeme) and not lexeme.startswith("/*+"):
            self.running += 1
        elif lexeme == "*/":
            self.running -= 1
        self.out.append("<>" if lexeme == "!=" else lexeme)

    def open(self, lexeme: str) -> None:
        frame = self.frames[-1]
        before = self.out[-1] if self.out else ""
        kind = ""
        if len(self.frames) > DEPTH_MAX:
            pass
        elif lexeme == "[":
            kind = "array" if before == "ARRAY" or frame.kind == "array" else ""
        elif frame.kind == "in" and len(self.out) == frame.start:
            kind, frame.rows = "row", set()
        elif before == "," and frame.rows is not None and frame.row_end == len(self.out) - 1:
            kind = "row"
        elif kind := _KINDS.get(before, ""):
            frame.rows = set() if kind == "row" else frame.rows
        self.out.append(lexeme)
        self.frames.append(_Frame(kind, len(self.out)))

    def close(self, lexeme: str) -> None:
        frame = self.frames.pop() if len(self.frames) > 1 else self.frames[-1]
        if frame.kind in {"in", "any"} and constant(self.out, frame.start):
            self.out[frame.start :] = [LIST if frame.kind == "in" else HOLE]
        if frame.kind == "row":
            self.close_row(frame.start)
        elif frame.kind == "array" and (
            frame.start == len(self.out) or constant(self.out, frame.start)
        ):
            del self.out[frame.start - 1 :]
            if self.out[-1:] == ["ARRAY"]:
                self.out.pop()
            self.literal()
        else:
            self.out.append(lexeme)

    def close_row(self, start: int) -> None:
        row, parent = tuple(self.out[start:]), self.frames[-1]
        rows = parent.rows if parent.rows is not None else set()
        if row in rows and self.out[start - 2] == ",":
            del self.out[start - 2 :]
        else:
            rows.add(row)
            self.out.append(")")
        parent.row_end = len(self.out)


def _without_settings(lexemes: list[str]) -> list[str]:
    """Leave out MariaDB's ``SET STATEMENT … FOR``: the class is that of what follows."""
    start = 0
    while lexemes[start : start + 2] == ["SET", "STATEMENT"]:
        try:
            start = lexemes.index("FOR", start) + 1
        except ValueError:
            break
    return lexemes[start:]


def _without_name(lexemes: list[str]) -> list[str]:
    """Make a literal of the name of a savepoint or a prepared statement: clients count them up."""
    named = len(lexemes) > 1 and wordlike(lexemes[-1]) and lexemes[-1] not in {"ALL", "PREPARE"}
    first, before = lexemes[0], lexemes[-2] if named else ""
    if (
        (first in _NAMED_LATER and before == "SAVEPOINT")
        or (first == "ROLLBACK" and before == "TO" and lexemes[-1] != "SAVEPOINT")
        or (first == "RELEASE" and len(lexemes) == 2 and lexemes[-1] != "SAVEPOINT")
        or (first == "DEALLOCATE" and len(lexemes) <= 3)
    ):
        return [*lexemes[:-1], HOLE] if named else lexemes
    return lexemes


def _verb(lexemes: list[str]) -> str:
    pos = 0
    while pos < len(lexemes) and (lexemes[pos] == "(" or lexemes[pos].startswith("/*")):
        pos += 1
    if pos == len(lexemes) or not lexemes[pos][0].isalpha():
        return ""
    if lexemes[pos] == "WITH":
        depth = 0
        for lexeme in lexemes[pos:]:
            depth += (lexeme == "(") - (lexeme == ")")
            if not depth and lexeme in _MAIN:
                return lexeme
    return lexemes[pos].upper()


def read(masked: str, *, dialect: Dialect) -> Read:
    """Return what the class of a masked text is called."""
    lexemes = _tokens(dialect).findall(masked)
    reader = _Reader(dialect)
    for lexeme, following in zip_longest(lexemes, lexemes[1:], fillvalue=""):
        reader.take(lexeme, following)
    statements: list[list[str]] = [[]]
    for lexeme in reader.out:
        if lexeme != ";":
            statements[-1].append(lexeme)
        elif statements[-1]:
            statements.append([])
    bare = [_without_settings(each) for each in statements]
    shaped = [_without_name(each) for each in bare if each]
    line = [lexeme for each in shaped for lexeme in (*each, ";")][:-1]
    text = display(line, upper=SPELLINGS[dialect].upper)
    cut = reader.cut or reader.running > 0
    return Read(text, _verb(shaped[0]) if shaped else "", cut)
