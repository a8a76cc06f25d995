"""
The prefix of the lines of a PostgreSQL log, found out from the lines themselves.

The server writes ``log_line_prefix`` before each line, and nothing in the file says what it is.
Here each prefix is read as the escapes that it could come from; what most lines agree on is taken.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from . import pgwords

SAMPLE_LINES_MAX = 2000
_PREFIX_BYTES_MAX = 400
_NAMES = "|".join(map(re.escape, sorted({*pgwords.SEVERITIES, *pgwords.LABELS}, key=len)[::-1]))
LABEL = f"(?P<label>{_NAMES}):(?:  |(?=\\S)| $)"
_MARK = re.compile(rf"(?:^|(?<=[^\w])){LABEL}".encode())

# An escape, and what it looks like in a line; read from left to right, the first that fits.
_TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
_ZONE = r"(?:[A-Za-z]{2,5}|[+-]\d\d(?::?\d\d)?)"
_WORD = r"(?:\[unknown\]|[^\s@:,/\[\]()=]+)"
_TOKENS = [
    ("%m", rf"{_TIME}\.\d{{3}} {_ZONE}"),
    ("%t", rf"{_TIME} {_ZONE}"),
    ("%n", r"\d{10}\.\d{3}"),
    ("%c", r"[0-9a-f]{7,8}\.[0-9a-f]{1,8}"),
    ("%r", r"(?:\[local\]|(?:\d{1,3}\.){3}\d{1,3}\(\d+\)|[0-9a-f:]+::?[0-9a-f]*\(\d+\))"),
    ("%h", r"(?:\d{1,3}\.){3}\d{1,3}"),
    ("%v", r"\d+/\d+"),
    ("%u@%d", rf"{_WORD}?@{_WORD}?(?=[\s:,/\[]|$)"),
    ("%p", r"\d+"),
    ("%w", _WORD),
]
_SCAN = re.compile("|".join(f"(?P<t{n}>{text})" for n, (_, text) in enumerate(_TOKENS)))
_KEYS = {
    "user": "%u", "usr": "%u", "u": "%u", "db": "%d", "database": "%d", "d": "%d", "app": "%a",
    "application": "%a", "a": "%a", "client": "%h", "host": "%h", "remote": "%r", "h": "%h",
    "r": "%r", "pid": "%p", "p": "%p", "session": "%c", "tx": "%x", "xid": "%x", "line": "%l",
}  # fmt: skip
_KEYED = re.compile(rf"({'|'.join(_KEYS)})([=:])([^\s,\]]*)")
# The name of an application may hold blanks, and then reads as several things.
_APPLICATION = re.compile(r"(%a)(?: (?:%[a-z]|[\w.-])+)+")
_ZEROS = str.maketrans("123456789", "000000000")
_ENDLESS = ("%u", "%d", "%a", "%w")
_ENDLESS_MAX = 5
_ANYTHING = r"[^\n]*?"
_ESCAPES = {
    "%m": rf"(?P<time>{_TIME}\.\d{{3}} {_ZONE})",
    "%t": rf"(?P<time>{_TIME} {_ZONE})",
    "%n": r"(?P<time>\d{10}\.\d{3})",
    "%c": r"(?P<session>[0-9a-f]+\.[0-9a-f]+)",
    "%p": r"(?P<pid>\d+)",
    "%u": rf"(?P<user>{_ANYTHING})",
    "%d": rf"(?P<database>{_ANYTHING})",
    "%a": rf"(?P<application>{_ANYTHING})",
    "%r": r"(?P<host>\[local\]|[0-9a-zA-Z.:_-]*(?:\(\d+\))?)",
    "%h": r"(?P<host>\[local\]|[0-9a-zA-Z.:_-]*)",
    "%v": r"(?:\d+/\d+)?",
    "%l": r"\d+",
    "%x": r"\d+",
    "%e": r"[0-9A-Z]{5}",
    "%w": _ANYTHING,
}
_ANEW = {"%m", "%t", "%n", "%l", "%x", "%v"}  # what is another thing in each line
# How long the time is that a prefix begins with, as far as it is digits and marks.
TIME_BYTES = {"%m": len("2026-01-05 10:00:00.000"), "%t": len("2026-01-05 10:00:00")}


@dataclass(frozen=True, slots=True)
class Prefix:
    """
    A prefix, as ``log_line_prefix`` would say it (``%w`` where no escape is known).

    `share` of the lines that were looked at begin with it, from 0 to 1.
    """

    template: str
    share: float

    def line(self, envelope: str = "") -> re.Pattern[bytes]:
        """Return what a line begins with: the prefix and the label, ``LOG:`` or another."""
        text = f"^{envelope}{_whole_regex(self.template)}{LABEL}"
        return re.compile(text.encode(), re.MULTILINE)

    def after_time(self) -> re.Pattern[bytes] | None:
        """
        Return what stands in a line between its time and what it says, where that is soon the same.

        None where the time does not come first, or something comes that every line has anew. What
        matches is what `line` finds, whatever the line goes on with: each part is the first that
        `line` would try, with nothing given back.
        """
        time, rest = self.template[:2], self.template[2:].replace("%q", "", 1)
        parts = re.split(r"(%[a-z])", rest)
        if time not in TIME_BYTES or any(each not in _ESCAPES for each in parts[1::2]):
            return None
        if any(each in _ANEW for each in parts[1::2]):
            return None
        text, seen = f"(?P<zone> (?>{_ZONE}))" + re.escape(parts[0]), {"time"}
        for at in range(1, len(parts), 2):
            piece, behind = _regex(parts[at], seen), re.escape(parts[at + 1])
            is_last = at + 2 == len(parts)
            end = behind + LABEL.replace("?P<label>", "?:") if is_last else behind
            if _ANYTHING in piece and not end:
                return None
            # As little as can be is all up to where the next part stands first.
            least = piece.replace(_ANYTHING, rf"(?:(?!{end})[^\n])*")
            text += f"(?>{least}){behind}"
        return re.compile(f"{text}(?>{LABEL})".encode())


def labelled(line: bytes) -> bool:
    """Tell whether a label stands in `line`, so that it may be one of PostgreSQL."""
    return line[:1] != b"\t" and _MARK.search(line, 0, _PREFIX_BYTES_MAX) is not None


def infer(lines: Sequence[bytes]) -> Prefix | None:
    """Return the prefix of most of `lines`; None where none of them is a line of PostgreSQL."""
    said = []
    for line in lines[:SAMPLE_LINES_MAX]:
        mark = None if line[:1] == b"\t" else _MARK.search(line, 0, _PREFIX_BYTES_MAX)
        if mark is not None:
            said.append(line[: mark.start()].decode("utf-8", "replace"))
    if not said:
        return None
    counted: Counter[str] = Counter()
    for each, count in Counter(each.translate(_ZEROS) for each in said).items():
        counted[_template(each)] += count  # a digit is as good as another
    best = max(_candidates(counted), key=lambda each: _matched(each, said))
    return Prefix(best, _matched(best, said)[0] / len(said))


def _candidates(counted: Counter[str]) -> list[str]:
    """Return each template, and each that goes on where a shorter one ends: by way of %q."""
    common = [text for text, _ in counted.most_common(20) if _is_decidable(text)]
    joined = [
        f"{short}%q{long[len(short) :]}"
        for long in common
        for short in common
        if long != short and long.startswith(short)
    ]
    return [*filter(_is_decidable, common + joined)] or [""]


def _is_decidable(template: str) -> bool:
    """Tell whether few enough of its escapes have no end of their own: each one is a search."""
    return sum(template.count(each) for each in _ENDLESS) <= _ENDLESS_MAX


def _matched(template: str, said: Sequence[str]) -> tuple[int, int]:
    """Return how many of `said` are so; then, of equals, the one that tells more is better."""
    pattern = re.compile(_whole_regex(template) + r"\Z")
    told = sum(template.count(each) for each in ("%u", "%d", "%a", "%p", "%h", "%r", "%c"))
    return sum(pattern.match(each) is not None for each in said), told - template.count("%w")


def _whole_regex(template: str) -> str:
    must, _, may = template.partition("%q")
    seen: set[str] = set()
    return _regex(must, seen) + (f"(?:{_regex(may, seen)})?" if may else "")


def _regex(template: str, seen: set[str]) -> str:
    """Return what `template` looks like; names that are `seen` are given to no further group."""
    text = ""
    for part in re.split(r"(%[a-z])", template):
        piece = _ESCAPES.get(part)
        group = re.match(r"\(\?P<(\w+)>", piece) if piece else None
        if piece is None:
            text += re.escape(part)
        elif group and group[1] in seen:  # a name for the first of them alone
            text += piece.replace(f"?P<{group[1]}>", "?:", 1)
        else:
            seen |= {group[1]} if group else set()
            text += piece
    return text


def _template(said: str) -> str:
    """Return the escapes that `said` could come from."""
    text, at = "", 0
    while at < len(said):
        keyed = _KEYED.match(said, at) if not text[-1:].isalnum() else None
        found = _SCAN.match(said, at)
        if keyed is not None:
            text += f"{keyed[1]}{keyed[2]}{_KEYS[keyed[1]]}"
            at = keyed.end()
        elif found is not None:
            text += _escape(_TOKENS[int((found.lastgroup or "t0")[1:])][0], text, said[at - 1 : at])
            at = found.end()
        else:
            text += said[at]
            at += 1
    return _APPLICATION.sub(r"\1", text)


def _escape(escape: str, text: str, before: str) -> str:
    """Return what `escape` is, at this place: the first number is the process, the next a count."""
    if escape == "%p" and "%p" in text:
        return "%l" if "%l" not in text else "%x"
    if escape == "%w" and "%u@%d" in text and "%a" not in text:
        return "%a"
    if escape == "%w" and before == "@":
        return "%d"
    return escape
