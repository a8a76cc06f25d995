"""
A short cut to the class of a statement: its sketch, made without a look at single characters.

The sketch is what stands outside of ``'…'``, comments included, with every row of digits as ``0``,
and blanks as other digits: nobody reads it but `soundness`. Two statements with one sketch are of
one class wherever that sketch is `sound`: nothing in it but plain strings may hide a quote, and no
digit is part of a name. Where names have digits (``orders_2024``), those are set beside the sketch.
Sound sketches are remembered with their classes; with others every statement is read as a whole. To
mask one takes five times as long as its sketch.
"""

import re
import string
from collections.abc import Sequence
from enum import Enum

from .masking import LETTER, ODD, Dialect, grammar, letters
from .squeezing import LONG, squeezed

# `bytes.split` finds rows of blanks in one look: so digits are made blanks, and blanks digits.
_BLANKS, _FOR_BLANKS = b" \t\n\r\v\f", b"123456"
_DIGITS_APART = bytes.maketrans(b"0123456789" + _BLANKS, b" " * 10 + _FOR_BLANKS)
_BLANKS_BACK = bytes.maketrans(_FOR_BLANKS, _BLANKS)
_BETWEEN = b"\0"  # of two texts that are sketched together
_BOTH = rf"--|/\*|\\|(?<!{LETTER})0[xXbBoO]|{ODD.pattern}"
_UNSOUND = {
    ("postgresql", False): re.compile(rf"{_BOTH}|\$(?!0)|[eE]'"),
    ("mariadb", False): re.compile(rf'{_BOTH}|#|"'),
    ("mariadb", True): re.compile(rf"{_BOTH}|#"),
}
_UNSOUND["postgresql", True] = _UNSOUND["postgresql", False]
_QUOTED = {
    "postgresql": re.compile(r"\"[^\"']*\""),
    "mariadb": re.compile(r"`[^`'\"]*`|\"[^`'\"]*\""),
}
# A comment that is no hint and hides no quote: it stands whole in a sketch, and changes no class.
_PLAIN_COMMENT = re.compile(r"/\*(?![+!M])[^*/'\"`]*\*/")
_DIGITS = re.compile("[0-9]")
# Digits that go on with a name; those of an exponent or a placeholder are no harm among them.
_NAMED = re.compile(f"(?<={letters(string.digits)})[0-9]+")
_NAMED_BYTES = re.compile(rb"[A-Za-z_$\x80-\xff]([0-9]+)")


class Soundness(Enum):
    """Whether all statements with one sketch are of one class."""

    NO = "no"
    WITH_NAMES = "with the same digits in their names"
    YES = "yes"


def sketch(sql: str) -> bytes | None:
    """Return the sketch of `sql`, None where its quotes are not in pairs."""
    parts = sql.split("'")
    if not len(parts) & 1:
        return None
    return _squeezed(_zeroed("'".join(parts[::2]).encode("utf-8", "surrogatepass")))


def sketches(texts: Sequence[bytes]) -> list[bytes] | None:
    """
    Return the sketch of each of `texts`, which are in UTF-8, in a third of the time.

    None where one of them holds a NUL byte, or has quotes that are not in pairs.
    """
    parts = _BETWEEN.join(texts).split(b"'")
    # A quote without another takes with it what stands between two texts, or is the last one.
    if not len(parts) & 1 or _BETWEEN in b"".join(parts[1::2]):
        return None
    found = _zeroed(b"'".join(parts[::2])).split(_BETWEEN)
    if len(found) != len(texts):
        return None
    return list(map(_squeezed, found)) if max(map(len, found)) >= LONG else found


def _zeroed(outside: bytes) -> bytes:
    # What stands at either end is kept from being the end: digits there would leave nothing.
    apart = (_BETWEEN + outside.translate(_DIGITS_APART) + _BETWEEN).split()
    return b"0".join(apart)[1:-1]


def _squeezed(found: bytes) -> bytes:
    return squeezed(_legible(found)) if len(found) >= LONG else found


def _legible(found: bytes) -> bytes:
    """Return a sketch with its blanks; it says the same as that without, whichever is kept."""
    return found.translate(_BLANKS_BACK)


def with_names(found: bytes, text: bytes) -> bytes:
    """Return the sketch `found` of `text` with the digits of its names."""
    outside = b"'".join(text.split(b"'")[::2])
    return found + b"\0" + b" ".join(_NAMED_BYTES.findall(outside))


def soundness(found: bytes, *, dialect: Dialect, ansi_quotes: bool) -> Soundness:
    """Tell whether all statements with the sketch `found` are of one class."""
    text = _legible(found).decode("utf-8", "surrogatepass")
    if _UNSOUND[dialect, ansi_quotes].search(_PLAIN_COMMENT.sub(" ", text)):
        return Soundness.NO
    quotes = '"' if dialect == "postgresql" else '`"'
    if any(quote in text for quote in quotes):
        bare = _QUOTED[dialect].sub("", text)
        if any(quote in bare for quote in quotes):
            return Soundness.NO
    masked = grammar(dialect, ansi_quotes=ansi_quotes).mask(text.replace("'", "''")).text
    if not _DIGITS.search(masked):
        return Soundness.YES
    return Soundness.NO if _DIGITS.search(_NAMED.sub("", masked)) else Soundness.WITH_NAMES
