"""
The numbers of orders: no number that a client was told becomes another order's.

Orders, trades, journals and audit rows are numbered from the sequence ``event_ids``. A server that
goes on from an earlier moment, because a replica took over or a backup was restored, does not know
the numbers given after that moment, and would give them again: whoever cancels a lost order by its
number would take back somebody else's. So it goes on behind a gap that no load fills meanwhile.
"""

from collections.abc import Callable
from dataclasses import dataclass

from .engine import connect
from .queries import Query

# What the numbers move by: an order takes up to 5, so at 7,000 orders a second that is eight hours.
# A number of 64 bits has room for 9,000 million such gaps.
GAP_IDS = 1_000_000_000

_ALWAYS_THERE = {"postgresql": "postgres", "mariadb": "mysql"}
_MOVE = {
    "postgresql": "SELECT setval('public.event_ids', %(last_id)s, true) AS id",
    "mariadb": "SELECT setval(event_ids, %(last_id)s, 1) AS id",
}


@dataclass(frozen=True, slots=True)
class Home:
    """A database that may number orders."""

    name: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Up to where numbers may have been given, and the largest that there is."""

    last_id: int
    last_possible_id: int


HOMES = Query("numbering/databases", Home)
STANDING = Query("numbering/standing", Standing)


def leave_gap(engine: str, url_of: Callable[[str], str]) -> int:
    """
    Move the numbers of a server past all that may have been given elsewhere.

    `url_of` gives the URL of a database of the server. Each that numbers orders moves by `GAP_IDS`;
    one without room for that stays, and health checks have told of it long before. Returns how many
    moved. Done twice it leaves two gaps, which harms nobody.
    """
    with connect(url_of(_ALWAYS_THERE[engine])) as server:
        names = [home.name for home in server.fetch(HOMES)]
    moved = 0
    for name in names:
        with connect(url_of(name)) as server:
            for found in server.fetch(STANDING):
                if found.last_id + GAP_IDS < found.last_possible_id:
                    server.rows(_MOVE[server.engine], {"last_id": found.last_id + GAP_IDS})
                    moved += 1
    return moved
