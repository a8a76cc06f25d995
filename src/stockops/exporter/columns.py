"""Rows of a server's view as families: one for each column that is wanted and is there."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .families import Family, Kind, Labels, Sample
from .values import number

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A column, and the metric that it is: its number times `scale`."""

    name: str
    metric: str
    help: str
    kind: Kind = "gauge"
    scale: float = 1


def labels_of(row: Row, names: Sequence[str]) -> Labels:
    """Return the columns `names` of `row` as labels."""
    return tuple((name, None if row.get(name) is None else str(row[name])) for name in names)


def families(
    rows: Iterable[Row], columns: Iterable[Column], labels: Sequence[str] = ()
) -> Iterator[Family]:
    """Give the family of each of `columns` that a row holds; NULL is absent, and so is text."""
    labelled = [(labels_of(row, labels), row) for row in rows]
    for column in columns:
        samples: list[Sample] = []
        for pairs, row in labelled:
            value = number(row.get(column.name))
            if value is not None:
                samples.append((pairs, value if column.scale == 1 else value * column.scale))
        if samples:
            yield Family(column.metric, column.kind, column.help, tuple(samples))


def every_column(
    rows: Sequence[Row], prefix: str, labels: Sequence[str], *, view: str, gauges: Iterable[str]
) -> Iterator[Family]:
    """Give every column of `view` that is a number; those of `gauges` may fall, others count."""
    found = dict.fromkeys(name for row in rows for name in row if name not in labels)
    falling = frozenset(gauges)
    yield from families(
        rows,
        [
            Column(
                name,
                prefix + name,
                f"{name} of {view}.",
                "gauge" if name in falling else "counter",
            )
            for name in found
        ],
        labels,
    )
