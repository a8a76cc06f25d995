"""
Korean people who do not exist.

Names are drawn from the word lists of Faker's ko_KR provider with its weights; Faker itself makes
22,000 rows a second, this makes twenty times as many. E-mails are at example.com; phone numbers
begin with 010-0, an exchange that is given to nobody. There are no resident numbers.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate

from .draws import draws

_NAME_BITS = 12
_SINCE = date(2015, 6, 15)
_SUSPENDED_PERCENT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Names to draw from: tables of 4,096 places, so that a weight is a number of places."""

    surnames: tuple[str, ...]
    given_names: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """What tells this pool from one of another version of the word lists."""
        text = "\n".join((*self.surnames, *self.given_names))
        return hashlib.sha256(text.encode()).hexdigest()


def pool() -> Pool:
    """Return the names of Faker's ko_KR provider; loading it takes a tenth of a second."""
    from faker.providers.person.ko_KR import Provider  # noqa: PLC0415  slow, and seldom needed

    return Pool(surnames=_places(Provider.last_names), given_names=_places(Provider.first_names))


def days_until(end: date) -> tuple[str, ...]:
    """Return 4,096 days, evenly spread from 2015-06-15 to the day before `end`."""
    start = min(_SINCE, end - timedelta(days=1))
    span = (end - start).days
    return tuple(str(start + timedelta(days=place * span >> 12)) for place in range(4096))


def lines(seed: int, first: int, count: int, *, names: Pool, days: tuple[str, ...]) -> list[str]:
    """
    Return users `first` to `first + count - 1`, each a line of tab-separated text.

    Columns: user_id, full_name, email, phone, status, created_at. User `row` is a pure function
    of the seed and `row`; its id is 1001 + row.
    """
    surnames, given_names = names.surnames, names.given_names
    exchange = [f"010-0{n:03d}-" for n in range(1000)]
    ending = [f"{n:04d}" for n in range(10_000)]
    return [
        f"{1001 + row}\t{surnames[x & 4095]}{given_names[x >> 12 & 4095]}"
        f"\tuser{row:07d}@example.com"
        f"\t{exchange[(x >> 24 & 0xFFFF) % 1000]}{ending[(x >> 40 & 0xFFFF) % 10_000]}"
        f"\t{'suspended' if (x >> 18) % 100 < _SUSPENDED_PERCENT else 'active'}"
        f"\t{days[x >> 52]} 00:00:00\n"
        for row, x in enumerate(draws(seed, "users", first, count), first)
    ]


def _places(words: Mapping[str, float] | Iterable[str]) -> tuple[str, ...]:
    """Give each word as many of the 4,096 places as its weight asks for."""
    weights = words if isinstance(words, Mapping) else dict.fromkeys(words, 1.0)
    names = list(weights)
    sums = list(accumulate(weights.values()))
    size = 1 << _NAME_BITS
    return tuple(names[bisect_left(sums, (place + 0.5) / size * sums[-1])] for place in range(size))
