"""How a dialect writes one word or name, whatever way it was written."""

import re
import string
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from .masking import NUMBER, Dialect, letters
from .words import (
    MARIADB_FUNCTIONS,
    MARIADB_KEYWORDS,
    MARIADB_UPPER,
    POSTGRESQL_UPPER,
    SYNONYMS,
)

# A charset before a string. In a digest all of them are one word.
INTRODUCER = (
    r"_(?:armscii8|ascii|big5|binary|cp[0-9]{3,4}|dec8|eucjpms|euckr|gb2312|gb18030|gbk|geostd8"
    r"|greek|hebrew|hp8|keybcs2|koi8[ru]|latin[1257]|mac(?:ce|roman)|sjis|swe7|tis620|ucs2|ujis"
    r"|utf(?:8(?:mb[34])?|16(?:le)?|32))"
)
_LOWER_NAME = re.compile(
    letters("$" + string.digits + string.ascii_uppercase) + letters(string.ascii_uppercase) + "*+"
)
_ANY_NAME = re.compile(letters() + "++")
_MARIADB_LOWER = MARIADB_KEYWORDS - MARIADB_UPPER
_FOLD = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def lower(word: str) -> str:
    """Fold as the servers do: ASCII alone."""
    return word.lower() if word.isascii() else word.translate(_FOLD)


def inner(quoted: str) -> str:
    """Return the name within the quotes of `quoted`, on one line; the last quote may be missing."""
    quote = quoted[0]
    ends = quoted.count(quote) % 2 == 0
    body = quoted[1:-1] if ends else quoted[1:]
    return " ".join(body.replace(quote * 2, quote).split())


@cache
def _no_name() -> re.Pattern[str]:
    return re.compile(rf"{INTRODUCER}|{NUMBER}|[0-9$]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Spelling:
    """Both kinds of word of one dialect; those of `upper` are written in upper case."""

    upper: frozenset[str]
    # A word as it was written, whether it follows a point, and whether a parenthesis follows.
    word: Callable[[str, bool, bool], str]
    # A name with its quotes, the same.
    name: Callable[[str, bool, bool], str]


def _postgresql_word(word: str, after_point: bool, before_paren: bool) -> str:
    folded = lower(word)
    upper = folded.upper()
    return upper if upper in POSTGRESQL_UPPER and not after_point else folded


def _postgresql_name(quoted: str, after_point: bool, before_paren: bool) -> str:
    name = inner(quoted)
    if _LOWER_NAME.fullmatch(name) and (after_point or name.upper() not in POSTGRESQL_UPPER):
        return name
    return '"' + name.replace('"', '""') + '"'


def _mariadb_word(word: str, after_point: bool, before_paren: bool) -> str:
    upper = word.upper()
    if not after_point:
        upper = SYNONYMS.get(upper, upper)
        if upper in MARIADB_UPPER:
            return upper
    if upper in _MARIADB_LOWER or (before_paren and upper in MARIADB_FUNCTIONS):
        return lower(upper)
    return word if upper == word.upper() else lower(upper)


def _mariadb_name(quoted: str, after_point: bool, before_paren: bool) -> str:
    name = inner(quoted)
    upper = name.upper()
    reserved = not after_point and (upper in MARIADB_UPPER or upper in SYNONYMS)
    if reserved or _no_name().match(name) or not _ANY_NAME.fullmatch(name):
        return "`" + name.replace("`", "``") + "`"
    return _mariadb_word(name, after_point, before_paren)


SPELLINGS: dict[Dialect, Spelling] = {
    "postgresql": Spelling(POSTGRESQL_UPPER, _postgresql_word, _postgresql_name),
    "mariadb": Spelling(MARIADB_UPPER, _mariadb_word, _mariadb_name),
}
