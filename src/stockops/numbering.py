"""
The numbers that leave the database: none that somebody was told becomes something else's.

Orders, trades, journals and audit rows are numbered from the sequence ``event_ids``, conditions,
predictions, portfolios and messages by their tables. A server that goes on from an earlier moment,
because a replica took over or a backup was restored, does not know the numbers given after that
moment, and would give them again: whoever cancels a lost order, or a lost condition, by its number
would take back somebody else's. So it goes on behind a gap that no load fills meanwhile.
"""

from collections.abc import Callable
from dataclasses import dataclass

from .engine import connect
from .engine.base import Server
from .queries import Query

# What the numbers move by: an order takes up to 5, so at 7,000 orders a second that is eight hours.
# A number of 64 bits has room for 9,000 million such gaps.
GAP_IDS = 1_000_000_000

_ALWAYS_THERE = {"postgresql": "postgres", "mariadb": "mysql"}
_MOVE = {
    "postgresql": "SELECT setval('public.event_ids', %(last_id)s, true) AS id",
    "mariadb": "SELECT setval(event_ids, %(last_id)s, 1) AS id",
}
_MOVE_KEY = {
    "postgresql": "SELECT setval('{counter}', {last_id}, true) AS id",
    "mariadb": "ALTER TABLE {counter} AUTO_INCREMENT = {next_id}",
}


@dataclass(frozen=True, slots=True)
class Home:
    """A database that numbers orders, or may."""

    name: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Up to where numbers may have been given, and the largest that there is."""

    last_id: int
    last_possible_id: int


@dataclass(frozen=True, slots=True)
class Key:
    """
    A table that numbers its rows by itself, and up to where it may have done so.

    `counter` is what counts, as it stands in a statement: a sequence, or on MariaDB the table.
    """

    table_name: str
    counter: str
    last_id: int
    last_possible_id: int


HOMES = Query("numbering/databases", Home)
STANDING = Query("numbering/standing", Standing)
KEYS = Query("numbering/keys", Key)


def leave_gap(engine: str, url_of: Callable[[str], str]) -> int:
    """
    Move the numbers of a server past all that may have been given elsewhere.

    `url_of` gives the URL of a database of the server. In each that numbers orders, these and the
    keys of its tables move by `GAP_IDS`; what has no room for that stays, and health checks have
    told of it long before. Returns how many counters moved. Done twice it leaves two gaps, which
    harms nobody.
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
                moved += _move_keys(server)
    return moved


def _move_keys(server: Server) -> int:
    moved = 0
    for key in server.fetch(KEYS):
        last_id = key.last_id + GAP_IDS
        if last_id < key.last_possible_id:
            sql = _MOVE_KEY[server.engine].format(
                counter=key.counter.replace("%", "%%"), last_id=last_id, next_id=last_id + 1
            )
            server.execute(sql)
            moved += 1
    return moved
