"""
Other values in the place of personal ones: built alike, by a secret, and nobody's.

A character gives way to one of its kind: a digit to a digit, a letter to a letter of its case, a
syllable of hangul to another; what is neither stays. So lengths stay, in characters and in bytes.
Who has not the secret learns nothing from a value but how it is built; the secret is thrown away.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field

from ..errors import Refused
from .declarations import Mask
from .shapes import INSIDE

SECRET_BYTES = 32
TRIES = 1000
_DIGITS = "0123456789"
_LOWER = "abcdefghijklmnopqrstuvwxyz"
_UPPER = _LOWER.upper()
_SYLLABLES, _SYLLABLES_COUNT = 0xAC00, 11_172
_TWO_BYTES, _TWO_BYTES_COUNT = 0x0100, 128  # Latin Extended-A: letters all of it
_BYTES_A_DRAW = 4
_WORD_DIGITS_MIN = 8  # a shorter number in text is an id or a price
_PHONE_DIGITS_MIN = 8


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Makes pseudonyms; the same `secret` makes the same ones. It does not show it."""

    secret: bytes = field(repr=False)

    def make(self, mask: Mask, kind: str, value: str, *, attempt: int = 0) -> str:
        """Return what stands for `value`; another `attempt` gives another pseudonym."""
        return _MAKERS[mask](self, f"{kind}\0{attempt}", value)

    def alike(self, about: str, value: str) -> str:
        """Return other characters of the same kinds."""
        text = b"".join((self.secret, about.encode(), b"\0", value.encode("utf-8", "replace")))
        stream = hashlib.shake_256(text).digest(_BYTES_A_DRAW * len(value))
        return "".join(
            _other(letter, int.from_bytes(stream[at : at + _BYTES_A_DRAW], "big"))
            for at, letter in zip(range(0, len(stream), _BYTES_A_DRAW), value, strict=True)
        )

    def email(self, about: str, value: str) -> str:
        """Return an address of a domain that cannot exist; one domain gives one domain."""
        name, at, domain = value.rpartition("@")
        return f"{self.alike(about, name + at + domain)[: len(name)]}{at}{self._domain(domain)}"

    def phone(self, about: str, value: str) -> str:
        """Return a number of the same kind whose exchange begins with 0, as nobody's does."""
        places = [at for at, letter in enumerate(value) if letter in _DIGITS]
        drawn = list(self.alike(about, value))
        if len(places) < _PHONE_DIGITS_MIN:
            return "".join(drawn)
        area = 2 if value[places[0]] + value[places[1]] == "02" else 3
        for at in places[:area]:
            drawn[at] = value[at]
        drawn[places[area]] = "0"
        return "".join(drawn)

    def _domain(self, domain: str) -> str:
        """Return a name of the same length below .example or .test, or of an unused top level."""
        ending = next((e for e in (".example", ".test", ".zz", ".z") if len(e) < len(domain)), "")
        drawn = self.alike("domain", "x" * len(domain) + domain)
        return f"{drawn[: len(domain) - len(ending)]}{ending}"


def injective(
    names: Pseudonyms, mask: Mask, kind: str, values: Iterable[str], originals: Set[int]
) -> Iterator[tuple[str, str]]:
    """
    Yield each of `values`, which are distinct, with its own pseudonym, none of them an original.

    `originals` holds the `mark` of all that is to be gone. In the same order the same secret gives
    the same pairs. Raises `Refused` where there are too few values that are built alike.
    """
    taken: set[int] = set()
    for value in values:
        for attempt in range(TRIES):
            new = names.make(mask, kind, value, attempt=attempt)
            if (known := mark(new)) not in originals and known not in taken:
                break
            if not any(letter.isalpha() or letter.isdecimal() for letter in value):
                break  # marks and blanks, which stay
        else:
            raise Refused(
                f"there are too few values that are built like those of a {kind}: "
                f"{len(taken):,} pseudonyms were found, and not one more in {TRIES:,} tries",
                hint="Declare the column as mask: opaque, which may give two values one pseudonym.",
            )
        taken.add(known)
        yield value, new


def mark(value: str) -> int:
    """Return what `value` is known by in a set: 64 bits, so that a million take 60 MB."""
    return int.from_bytes(hashlib.blake2b(value.encode(), digest_size=8).digest(), "big")


def scrubbed(names: Pseudonyms, text: str, originals: Set[int]) -> str:
    """Return `text` with pseudonyms for what looks like personal data, and for words that are."""
    for kind, pattern in INSIDE.items():
        found = dict.fromkeys(pattern.findall(text))
        for value in found:
            text = text.replace(value, names.make(_INSIDE_MASKS.get(kind, "alike"), kind, value))
    return " ".join(_word(names, word, originals) for word in text.split(" "))


def _word(names: Pseudonyms, word: str, originals: Set[int]) -> str:
    bare = word.strip("\"'().,:;!?[]{}")
    if len(bare) < 2 or (bare.isdecimal() and len(bare) < _WORD_DIGITS_MIN):
        return word
    if mark(bare) not in originals:
        return word
    return word.replace(bare, names.make("alike", "word", bare))


def _other(letter: str, draw: int) -> str:
    if letter.isdecimal():
        return _DIGITS[draw % 10]
    if letter in _LOWER:
        return _LOWER[draw % 26]
    if letter in _UPPER:
        return _UPPER[draw % 26]
    if not letter.isalpha():
        return letter
    if ord(letter) < 0x800:
        return chr(_TWO_BYTES + draw % _TWO_BYTES_COUNT)
    return chr(_SYLLABLES + draw % _SYLLABLES_COUNT)


_MAKERS: Mapping[Mask, Callable[[Pseudonyms, str, str], str]] = {
    "alike": Pseudonyms.alike,
    "opaque": Pseudonyms.alike,
    "email": Pseudonyms.email,
    "phone": Pseudonyms.phone,
}
_INSIDE_MASKS: Mapping[str, Mask] = {"email": "email", "phone": "phone"}
