"""What personal data look like, by their own shape: found in a value without ever showing it."""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "name",
    "email",
    "phone",
    "resident_number",
    "person",
    "account",
    "token",
    "free_text",
    "pseudonym",
]

EMAIL = re.compile(r"[\w.%+-]+@[\w-]+(?:\.[\w-]+)+")
# Mobile, or of a town. Where its beginning has no separator, the rest has none: a code of an issue
# and how many, "010950 1130", is no number of a phone.
PHONE = re.compile(
    r"(?<![0-9A-Za-z-])(?:01[016789]|0(?:2|3[1-3]|4[1-4]|5[1-5]|6[1-4]|70))"
    r"(?:[ .-][0-9]{3,4}[ .-]?|[0-9]{3,4})[0-9]{4}(?![0-9A-Za-z-])"
)
# Six digits of a date of birth, a century and sex from 1 to 8, six more; those given out since
# October 2020 have no check digit, so the date is all that can be looked at.
RESIDENT = re.compile(
    r"(?<![0-9A-Za-z])\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])-?[1-8]\d{6}(?![0-9A-Za-z])",
    re.ASCII,
)
# What 95 in 100 Koreans are called, so that a column of people is told from one of firms.
_SURNAMES = frozenset(
    "김이박최정강조윤장임한오서신권황안송류전홍고문양손배백허유남심노하곽성차주우구민진나지엄채원천방공현함변염여추도소석선설마길연위표명기반라왕금옥육인맹제모탁국어은편용"
)
_HANGUL_NAME = re.compile(r"[가-힣]{2,4}")
_TOKEN = re.compile(r"[A-Za-z0-9_\-+/.=:]{20,}")
_TOKEN_BITS = 3.0  # per character; a number in text has 3.3 at most, words have 2 to 3 and blanks
_WORD = re.compile(r"(?<!\S)[\"'(]?[^\W\d_]{2,}[\"')]?[.,:;!?]?(?!\S)")
_WORDS_MIN = 3
_SHAPE_CHARACTERS = 40

INSIDE: Mapping[Kind, re.Pattern[str]] = {
    "resident_number": RESIDENT,
    "email": EMAIL,
    "phone": PHONE,
}


@dataclass(frozen=True, slots=True)
class Hits:
    """How many of a column's values are of a kind as a whole, or hold something of it."""

    whole: int = 0
    inside: int = 0


def _is_name(value: str) -> bool:
    return bool(_HANGUL_NAME.fullmatch(value)) and value[0] in _SURNAMES


def _is_token(value: str) -> bool:
    if _TOKEN.fullmatch(value) is None or not any(map(str.isalpha, value)):
        return False
    counts = Counter(value).values()
    bits = -sum(n / len(value) * math.log2(n / len(value)) for n in counts)
    return bits >= _TOKEN_BITS


def _is_free_text(value: str) -> bool:
    return len(_WORD.findall(value)) >= _WORDS_MIN


_WHOLE: Mapping[Kind, Callable[[str], bool]] = {
    "name": _is_name,
    "token": _is_token,
    "free_text": _is_free_text,
}


def count(values: Iterable[str]) -> dict[Kind, Hits]:
    """Return how often each kind was found in `values`; a kind that was not is left out."""
    whole: Counter[Kind] = Counter()
    inside: Counter[Kind] = Counter()
    for value in values:
        known = False
        for kind, pattern in INSIDE.items():
            if pattern.fullmatch(value):
                whole[kind] += 1
                known = True
            elif pattern.search(value):
                inside[kind] += 1
        if not known:
            whole.update(kind for kind, test in _WHOLE.items() if test(value))
    return {kind: Hits(whole[kind], inside[kind]) for kind in {*whole, *inside}}


def shape(value: str) -> str:
    """Return how `value` is built, as ``a{4}9{7}@a{7}.a{3}``: none of its letters and digits."""
    kinds = "".join(map(_class, value[:200]))
    runs = re.sub(r"(.)\1+", lambda m: f"{m[1]}{{{len(m[0])}}}", kinds)
    return runs if len(runs) <= _SHAPE_CHARACTERS else f"{runs[:_SHAPE_CHARACTERS]}…"


def _class(letter: str) -> str:
    if letter.isdigit():
        return "9"
    if "가" <= letter <= "힣":
        return "가"
    if letter.isalpha():
        return "A" if letter.isupper() else "a"
    return letter if letter in "@.-_+:/ " else "*"
