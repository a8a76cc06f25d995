"""What a collector gives: families of samples, as data."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Kind = Literal["untyped", "gauge", "counter"]
Labels = tuple[tuple[str, str | None], ...]
Number = int | float | Decimal | bool
Sample = tuple[Labels, Number | None]


@dataclass(frozen=True, slots=True)
class Family:
    """
    One metric and its samples.

    A sample whose value is None is absent: NULL is not 0. A label that is None or empty is absent,
    as Prometheus has it. The names of the community are written as they are, without a suffix;
    they are "untyped". A "counter" of our own ends in ``_total``.

    `fold` names the labels that become ``other`` in the one sample that holds the sum of what is
    more than a family may have; without it, what is too much is left out, and counted.
    """

    name: str
    kind: Kind
    help: str
    samples: Sequence[Sample]
    fold: tuple[str, ...] = ()


def one(name: str, kind: Kind, help_text: str, value: Number | None) -> Family:
    """Return the family of one sample without labels."""
    return Family(name, kind, help_text, (((), value),))


def by(
    label: str, name: str, kind: Kind, help_text: str, values: Mapping[str, Number | None]
) -> Family:
    """Return the family with one sample for each of `values`, told apart by one `label`."""
    return Family(
        name, kind, help_text, tuple((((label, key),), value) for key, value in values.items())
    )


def merged(families: Iterable[Family]) -> list[Family]:
    """Return `families` with those of one name made into one, which the first gives its head."""
    families = list(families)
    if len({family.name for family in families}) == len(families):  # as nearly always
        return families
    found: dict[str, list[Family]] = {}
    for family in families:
        found.setdefault(family.name, []).append(family)
    return [
        first
        if len(found[first.name]) == 1
        else Family(
            first.name,
            first.kind,
            first.help,
            tuple(sample for family in found[first.name] for sample in family.samples),
            first.fold,
        )
        for first in (group[0] for group in found.values())
    ]
