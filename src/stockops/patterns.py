"""
Regular expressions that mean the same on every Python 3.11.

A group that is repeated possessively, as in ``(?:a|b)*+``, matches wrong things before 3.11.5, and
ends in a SystemError within a capturing group before 3.11.7; Debian 12 has 3.11.2. What it stands
for, an atomic group of a greedy repeat, is right there.
"""

import re
import sys
from typing import AnyStr

_IS_OLD = sys.version_info < (3, 11, 7)
_REPEATS = {"*+", "++", "?+"}


def compiled(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return `re.compile` of `pattern`."""
    if not _IS_OLD:
        return re.compile(pattern, flags)
    if isinstance(pattern, bytes):
        return re.compile(atomic(pattern.decode("latin-1")).encode("latin-1"), flags)
    return re.compile(atomic(pattern), flags)


def atomic(pattern: str) -> str:
    """Return `pattern` with atomic groups in the place of possessive repeats of groups."""
    out, starts, at = "", list[int](), 0
    while at < len(pattern):
        end = _token_end(pattern, at)
        piece, at = pattern[at:end], end
        if piece == "(":
            starts.append(len(out))
        out += piece
        if piece == ")":
            start = starts.pop()
            if pattern[at : at + 2] in _REPEATS:
                out = f"{out[:start]}(?>{out[start:]}{pattern[at]})"
                at += 2
    return out


def _token_end(pattern: str, at: int) -> int:
    """Return where ends what begins at `at`: an escape, a class of characters, or one character."""
    if pattern[at] == "\\":
        return at + 2
    if pattern[at] != "[":
        return at + 1
    at += 2 if pattern[at + 1] == "^" else 1
    at += pattern[at] == "]"
    while pattern[at] != "]":
        at += 2 if pattern[at] == "\\" else 1
    return at + 1
