"""What a walk over lexemes asks of those behind it, and how lexemes are written as one line."""

from collections.abc import Sequence

from .masking import HOLE
from .words import words

# Two literals or more; a server's digest writes such a list with this ellipsis.
LIST = f"{HOLE}, {HOLE}"
ELLIPSIS = "..."
LITERALS = frozenset({HOLE, LIST})

# Words after which an expression begins, so that a sign is a literal's own and NULL is a value.
_BEFORE_VALUE = words(
    """
    ALL AND BETWEEN BY CASE DEFAULT DISTINCT DIV ELSE ESCAPE HAVING ILIKE IN INTERVAL LIKE LIMIT
    MOD NOT OFFSET ON OR RANGE REGEXP RETURN RETURNING ROWS SELECT SET THEN TO USING VALUES WHEN
    WHERE XOR div mod return escape
    """
)
_ENDS_VALUE = frozenset({")", "]", ".", "@", "@@", "::", "*/", ELLIPSIS, *LITERALS})
_OPENING = frozenset({"(", "["})
_CLOSING = frozenset({")", "]"})
_IN_CASTS = frozenset({"::", ".", ",", *LITERALS})
_NOT_IN_CASTS = frozenset({"AND", "OR", "IN", "COLLATE"})
_NO_BLANK_BEFORE = frozenset({",", ")", "]", ";"})
_NO_BLANK_AFTER = frozenset({"(", "["})
_SHOWN = {HOLE: "?", LIST: "?, ..."}


def wordlike(lexeme: str) -> bool:
    """Tell a word or a name from a sign."""
    first = lexeme[0]
    return first.isalnum() or first in '_$`"' or first > "\x7f"


def starts_expression(lexemes: Sequence[str]) -> bool:
    """Tell whether what follows `lexemes` begins an expression, and does not go on with one."""
    if not lexemes:
        return True
    lexeme = lexemes[-1]
    if wordlike(lexeme):
        distinct = lexeme == "FROM" and lexemes[-2:-1] == ["DISTINCT"]
        return lexeme in _BEFORE_VALUE or distinct
    return lexeme not in _ENDS_VALUE


def constant(lexemes: Sequence[str], start: int) -> bool:
    """
    Tell whether `lexemes` from `start` on are literals between commas, at least one.

    Each may have one word before it (``date '…'``) and casts behind it (``'…'::numeric(9, 2)[]``).
    """
    pos = start
    while pos < len(lexemes):
        if wordlike(lexemes[pos]) and not lexemes[pos].isupper():
            pos += 1
        if pos == len(lexemes) or lexemes[pos] not in LITERALS:
            return False
        pos = _after_casts(lexemes, pos + 1)
        if pos == len(lexemes):
            return True
        if lexemes[pos] != ",":
            return False
        pos += 1
    return False


def _after_casts(lexemes: Sequence[str], pos: int) -> int:
    """Return where the casts end that begin at `pos`, if any do."""
    if pos == len(lexemes) or lexemes[pos] != "::":
        return pos
    depth = 0
    while pos < len(lexemes) and (depth or lexemes[pos] != ","):
        lexeme = lexemes[pos]
        if lexeme in _OPENING:
            depth += 1
        elif lexeme in _CLOSING:
            depth -= 1
        elif not (lexeme in _IN_CASTS or wordlike(lexeme)) or lexeme in _NOT_IN_CASTS:
            return pos
        pos += 1
    return pos


def display(lexemes: Sequence[str], *, upper: frozenset[str]) -> str:
    """Write `lexemes` as one line; the blanks depend on the lexemes alone."""
    pieces: list[str] = []
    before = ""
    for lexeme in lexemes:
        if before and _apart(before, lexeme, upper):
            pieces.append(" ")
        pieces.append(_SHOWN.get(lexeme, lexeme))
        before = lexeme
    return "".join(pieces)


def _apart(before: str, lexeme: str, upper: frozenset[str]) -> bool:
    if lexeme in _NO_BLANK_BEFORE or before in _NO_BLANK_AFTER:
        return False
    joined = False
    if lexeme == ".":
        joined = wordlike(before) or before == "*"
    elif before == ".":
        joined = wordlike(lexeme) or lexeme == "*"
    elif before in {"@", "@@", "::"}:
        joined = wordlike(lexeme)
    elif lexeme == "::":
        joined = wordlike(before) or before in _CLOSING or before in LITERALS
    elif lexeme == "(":
        joined = wordlike(before) and before not in upper
    elif lexeme == "[":
        joined = wordlike(before) or before in _CLOSING
    return not joined
