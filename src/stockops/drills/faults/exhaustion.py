"""Numbers run out: those of transactions, and those that rows are named by."""

import re
from types import MappingProxyType

from ... import lab as labs
from ...engine import connect
from ...errors import ServerError, StockopsError
from ...lab import Lab, process
from ...lab import account as accounts
from .base import Driver, Needs, Ordinary, Spot, anywhere
from .damage import CONTROL_S, control

SLOT = "drill_left_behind"
LEFT = 1_000_000  # of which the server keeps three million for itself
_WHO = "stockops drill"
_SPENT = {
    "postgresql": "SELECT setval('event_ids', 9223372036854775807) AS it",
    "mariadb": "SELECT setval(event_ids, 9223372036854775806) AS it",
}
_DRAWN = {
    "postgresql": "SELECT nextval('event_ids') AS it",
    "mariadb": "SELECT nextval(event_ids) AS it",
}
_NUMBERS = 2**32
_PAGE_BYTES = 8192
_PAGES = 32  # in a file of pg_xact
_PER_PAGE = _PAGE_BYTES * 4  # two bits for each transaction
_OLDEST = re.compile(r"oldestXID:\s+(\d+)")


class WraparoundNear(Ordinary):
    """
    The transaction numbers are used up, as a replication slot that nobody reads kept old ones.

    Two thousand million transactions are not run for it: the server is stopped, and told by
    pg_resetwal that it has given so many numbers. Autovacuum works as hard as it can, and may not
    freeze what the slot still needs.
    """

    name = "wraparound_near"
    title = "The transaction numbers are used up"
    without = MappingProxyType(
        {"mariadb": "transaction numbers of InnoDB have 48 bits and do not come round"}
    )
    destroys = True
    drivers = (Driver("pg_resetwal", anywhere),)
    wants = Needs(settings={"wal_level": "logical"})  # without which there is no such slot

    def inject(self, spot: Spot, driver: str) -> None:
        """Make the slot, and have the numbers pass by. Nothing arms this: the sandbox goes."""
        del driver
        with connect(spot.target, application=_WHO) as server:
            server.rows(f"SELECT pg_create_logical_replication_slot('{SLOT}', 'pgoutput')::text")
        labs.down(spot.lab.name)
        given = (_oldest(spot) + _NUMBERS // 2 - LEFT) % _NUMBERS
        _make_room(spot.lab, given)
        _run(spot, "pg_resetwal", "-x", str(given))
        labs.up(spot.lab.name)

    def bites(self, spot: Spot) -> str | None:
        """Return what the server says to who wants a number."""
        try:
            with connect(spot.target, application=_WHO) as server:
                server.rows("SELECT pg_current_xact_id()::text AS it")
        except ServerError as exc:
            return str(exc) if exc.code == "54000" else None
        return None


class KeysExhausted(Ordinary):
    """
    The counter that every order, trade and journal has its number from stands at its end.

    Nobody has placed so many orders: somebody set it, by a script that took another number for it.
    """

    name = "keys_exhausted"
    title = "The counter of the keys is at its end"
    destroys = True

    def inject(self, spot: Spot, driver: str) -> None:
        """Set it. Nothing arms this: which number it was at, orders change all the time."""
        del driver
        with connect(spot.target, application=_WHO) as server:
            server.rows(_SPENT[spot.engine])

    def bites(self, spot: Spot) -> str | None:
        """Return what the server says to who wants a number."""
        try:
            with connect(spot.target, application=_WHO) as server:
                server.rows(_DRAWN[spot.engine])
        except ServerError as exc:
            return str(exc)
        return None


def _oldest(spot: Spot) -> int:
    """Return the oldest number in use of the server, which is down."""
    found = _OLDEST.search(control(spot))
    if found is None:
        raise StockopsError("pg_controldata does not say which transactions are in use")
    return int(found[1])


def _make_room(lab: Lab, number: int) -> None:
    """Make the file in which it is noted what became of the transaction `number`."""
    path = lab.data / "pg_xact" / f"{number // (_PER_PAGE * _PAGES):04X}"
    path.write_bytes(bytes(_PAGE_BYTES * _PAGES))
    path.chmod(0o600)
    accounts.serving(lab.user).own(path)


def _run(spot: Spot, program: str, *words: str) -> None:
    process.run_tool(
        [spot.lab.programs / program, *words, spot.lab.data],
        account=accounts.serving(spot.lab.user),
        cwd=spot.lab.directory,
        log=spot.lab.log_path,
        within_s=CONTROL_S,
    )
