"""The exporters that the community uses, as Debian has them, and what they say of a server."""

import os
import re
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import community_exporters
import pytest

from stockops.engine import connect
from stockops.engine.base import Server
from stockops.exporter import SERVERS, Context, Names, Piece, render
from stockops.targets import Target

Labels = frozenset[tuple[str, str]]
Series = dict[str, dict[Labels, float]]

# What of the community's is about the exporter itself, which is another program.
ABOUT_ITSELF = (
    "go_",
    "process_",
    "promhttp_",
    "postgres_exporter_build_info",
    "mysqld_exporter_build_info",
    "pg_up",
    "mysql_up",
    "pg_exporter_",
    "pg_scrape_",
    "mysql_exporter_",
)
# The client library's own reader would add ``_total`` to the names of their counters.
_LINE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$", re.MULTILINE)
_PAIR = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


@contextmanager
def theirs(target: Target, folder: Path) -> Iterator[str]:
    """Run the community's exporter on `target`, and give the address of its metrics."""
    if program := community_exporters.missing(target.engine):
        if "CI" in os.environ:
            pytest.fail(f"{program} is missing: scripts/install-test-servers.sh")
        pytest.skip(f"{program} is not installed")
    with community_exporters.running(target, folder) as address:
        yield address


def scraped(address: str) -> Series:
    """Return what an exporter at `address` says, without what is about itself."""
    with urllib.request.urlopen(address, timeout=30) as answer:
        return series(answer.read().decode(), leave_out=ABOUT_ITSELF)


@contextmanager
def our_scrapes(target: Target, names: Names = "compat") -> Iterator["OurScrapes"]:
    """Give what asks all collectors for `target`, by one session."""
    with connect(target, application="stockops-exporter") as server:
        yield OurScrapes(target, server, names)


class OurScrapes:
    """All collectors of an engine, one after the other, whatever their lane."""

    def __init__(self, target: Target, server: Server, names: Names) -> None:
        self.server = server
        self.contexts = {
            collector.NAME: Context(target=target, names=names)
            for collector in SERVERS[target.engine]
        }
        self.engine = target.engine

    def body(self, *, lanes: Sequence[str] = ("fast", "slow")) -> bytes:
        """Return the text of a scrape."""
        return render(
            Piece(
                collector.NAME,
                [*collector.collect(self.server, self.contexts[collector.NAME])],
            )
            for collector in SERVERS[self.engine]
            if collector.LANE in lanes
        ).body

    def series(self) -> Series:
        """Return the series of a scrape."""
        return series(self.body().decode())


def series(text: str, *, leave_out: Sequence[str] = ()) -> Series:
    """Return the series of `text` by name and labels; an empty label is none."""
    found: Series = defaultdict(dict)
    for name, labels, value in _LINE.findall(text):
        if not name.startswith(tuple(leave_out) or ("\0",)):
            if value == "NaN":  # which is how they say that there is none
                continue
            pairs = _PAIR.findall(labels)
            kept = frozenset((key, said) for key, said in pairs if said and key != "server")
            found[name][kept] = float(value)
    return dict(found)


def summed(found: Mapping[Labels, float], names: frozenset[str]) -> dict[Labels, float]:
    """Return `found` with the labels `names` alone, the series of each together."""
    sums: dict[Labels, float] = defaultdict(float)
    for labels, value in found.items():
        sums[frozenset(pair for pair in labels if pair[0] in names)] += value
    return sums
