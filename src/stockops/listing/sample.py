"""
The packaged listing: well-known issues by code and name, filled up with synthetic ones.

Its shape is that of KOSPI in January 2025: 961 issues, of which 113 preferred, 22 REITs, 3 funds,
and 19 that are halted. Codes that begin with ``9Z`` and names that begin with 가상 (imaginary)
belong to nobody; only such issues are halted here. It never changes: no seed decides it.
"""

import csv
from importlib import resources

from ..draws import draws
from ..market import isin_of
from ..money import tick_down
from .issue import Issue, Listing, accepted

_SHAPE = {"common": 823, "reit": 22, "fund": 3, "preferred": 113}
_HALTED = 19
_ENDING = {"common": "0", "reit": "0", "fund": "0", "preferred": "5"}
_NAME = {
    "common": "가상{:04d}",
    "reit": "가상{:04d}리츠",
    "fund": "가상{:04d}인프라",
    "preferred": "가상{:04d}우",
}
_SEED = 20250102
# Two digits times one of these: closes from 100 won to a million, most of them about 30,000.
_POWERS = (10, 100, 100, 1_000, 1_000, 1_000, 1_000, 10_000)


def read() -> Listing:
    """Return the 961 issues of the sample."""
    text = (resources.files(__package__) / "sample.csv").read_text("utf-8")
    lines = enumerate(text.splitlines(), 1)
    kept = [(number, line) for number, line in lines if not line.startswith("#")]
    rows = csv.DictReader(line for _, line in kept)
    found = [(number, _known(row)) for (number, _), row in zip(kept[1:], rows, strict=True)]
    found += list(enumerate(_synthetic([issue for _, issue in found]), 10_000))
    return accepted("sample", found)


def _known(row: dict[str, str]) -> Issue:
    return Issue(
        symbol=row["symbol"],
        isin=isin_of(row["symbol"]),
        name=row["name"],
        market="KOSPI",
        kind=row["kind"],
        status="listed",
        listed_shares=int(row["listed_shares"]),
        close_won=int(row["close_won"]),
        origin="sample",
    )


def _synthetic(known: list[Issue]) -> list[Issue]:
    """Return as many synthetic issues of each kind as the shape lacks."""
    kinds = [
        kind
        for kind, count in _SHAPE.items()
        for _ in range(count - sum(issue.kind == kind for issue in known))
    ]
    numbers = draws(_SEED, "sample", 0, len(kinds))
    halted = set(sorted(range(len(kinds)), key=numbers.__getitem__)[:_HALTED])
    issues = []
    for place, (kind, x) in enumerate(zip(kinds, numbers, strict=True)):
        symbol = f"9Z{place + 1:03d}{_ENDING[kind]}"
        issues.append(
            Issue(
                symbol=symbol,
                isin=isin_of(symbol),
                name=_NAME[kind].format(place + 1),
                market="KOSPI",
                kind=kind,
                status="halted" if place in halted else "listed",
                listed_shares=(2 + (x >> 8) % 98) * (100_000 if kind == "preferred" else 1_000_000),
                close_won=tick_down((10 + x % 90) * _POWERS[(x >> 16) % len(_POWERS)]),
                origin="synthetic",
            )
        )
    return issues
