"""What people do to a database in good faith: the wrong server, the forgotten WHERE, the typo."""

from contextlib import suppress
from dataclasses import replace

from ... import lab as labs
from ...engine import connect
from ...errors import Fault, ServerError, StockopsError
from .. import clients
from ..inverse import Sql, Write
from .base import Args, Driver, Needs, Ordinary, Spot, anywhere

ORPHAN = "drill_orphan"
LOCK_S = 10.0
_SEEN_WORDS_MAX = 200


class DroppedTable(Ordinary):
    """A table that every trade is written to is dropped, while orders come in."""

    name = "dropped_table"
    title = "A table is dropped by mistake"
    destroys = True
    wants = Needs(backup=True, archive=True)

    def inject(self, spot: Spot, driver: str) -> None:
        """Drop it. Nothing arms this: the sandbox goes as a whole."""
        del driver
        _mean_it(spot, "DROP TABLE trades")

    def bites(self, spot: Spot) -> str | None:
        """Return what the server says to whoever reads the table."""
        return _refused(spot, "SELECT count(*) AS n FROM trades")


class MassUpdate(Ordinary):
    """An UPDATE without its WHERE: no stock is listed any more, and every order is rejected."""

    name = "mass_update"
    title = "An UPDATE without a WHERE"
    destroys = True
    wants = Needs(backup=True, archive=True)

    def inject(self, spot: Spot, driver: str) -> None:
        """Halt every stock; somebody meant one."""
        del driver
        _mean_it(spot, "UPDATE stocks SET status = 'halted'")

    def bites(self, spot: Spot) -> str | None:
        """Return how many stocks are left."""
        with connect(spot.target, application=_WHO) as server:
            left = server.rows("SELECT count(*) AS n FROM stocks WHERE status = 'listed'")
        return "no stock is listed" if not left[0]["n"] else None


class OrphanTransaction(Ordinary):
    """A transaction that was prepared, and whose owner is gone: its locks outlive every session."""

    name = "orphan_transaction"
    title = "A prepared transaction that nobody ends"

    def needs(self, engine: str, args: Args) -> Needs:
        """Return the setting without which PostgreSQL prepares nothing."""
        settings = {"max_prepared_transactions": "4"} if engine == "postgresql" else {}
        return replace(super().needs(engine, args), settings=settings)

    def inject(self, spot: Spot, driver: str) -> None:
        """Lock every stock as an order does, prepare, and leave."""
        del driver
        statement = _END[spot.engine]
        spot.memory["token"] = spot.undo.arm(
            Sql(url=spot.target.url, statement=statement, lab=spot.lab.directory, lasts=True)
        )
        with connect(spot.target, lock_timeout_s=LOCK_S, application=_WHO) as server:
            for each in _PREPARE[spot.engine]:
                server.execute(each)

    def bites(self, spot: Spot) -> str | None:
        """Return what the server says of it."""
        return f"{ORPHAN} is prepared, and holds its locks" if self._there(spot) else None

    def lift(self, spot: Spot) -> None:
        """Roll it back, where nobody did."""
        if self._there(spot):
            with connect(spot.target, application=_WHO) as server:
                server.execute(_END[spot.engine])
        spot.undo.undone(spot.memory.pop("token"))

    def _there(self, spot: Spot) -> bool:
        with connect(spot.target, application=_WHO) as server:
            rows = server.rows(_PREPARED[spot.engine])
        return any(ORPHAN in str(value) for row in rows for value in row.values())


class BadSettings(Ordinary):
    """A setting that no server can start with; it is restarted, and stays down."""

    name = "bad_settings"
    title = "A setting with which the server does not start"
    drivers = (Driver("file", anywhere),)

    def inject(self, spot: Spot, driver: str) -> None:
        """Write it into the file that the server reads last, and restart the server."""
        del driver
        auto = spot.lab.data / "postgresql.auto.conf"
        path = auto if spot.engine == "postgresql" else spot.lab.directory / "my.cnf"
        spot.undo.arm(Write.of(path))
        if spot.engine == "postgresql":
            with connect(spot.target, application=_WHO) as server:
                server.execute("ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statments'")
        else:
            with path.open("a", encoding="utf-8") as file:
                file.write("innodb_bufer_pool_size = 4G\n")
        labs.down(spot.lab.name)
        with suppress(StockopsError):
            labs.up(spot.lab.name)

    def bites(self, spot: Spot) -> str | None:
        """Return the words in which the server says why it is down."""
        if spot.now.pid is not None:
            return None
        said = spot.lab.log_path.read_text("utf-8", "replace").splitlines()
        found = [line for line in said if _COMPLAINT[spot.engine] in line]
        return found[-1][:_SEEN_WORDS_MAX] if found else None


_WHO = "stockops drill"
_TOUCH = "UPDATE stock_inventory SET available_shares = available_shares + 1"
_PREPARE = {
    "postgresql": ("BEGIN", _TOUCH, f"PREPARE TRANSACTION '{ORPHAN}'"),
    "mariadb": (f"XA START '{ORPHAN}'", _TOUCH, f"XA END '{ORPHAN}'", f"XA PREPARE '{ORPHAN}'"),
}
_PREPARED = {
    "postgresql": "SELECT gid FROM pg_prepared_xacts",
    "mariadb": "XA RECOVER",
}
_END = {
    "postgresql": f"ROLLBACK PREPARED '{ORPHAN}'",
    "mariadb": f"XA ROLLBACK '{ORPHAN}'",
}
_COMPLAINT = {"postgresql": "could not access file", "mariadb": "unknown variable"}


def _mean_it(spot: Spot, sql: str) -> None:
    """
    Run `sql`, again and again while orders are in its way, as a person does who means it.

    A table that is dropped locks those that it refers to one by one, as orders do the other way
    round: the server ends one of the two.
    """

    def done() -> bool:
        try:
            with connect(spot.target, lock_timeout_s=LOCK_S, application=_WHO) as server:
                server.execute(sql)
        except ServerError as exc:
            if exc.fault not in {Fault.RETRY, Fault.LOCKED}:
                raise
            return False
        return True

    clients.soon(done, f"orders are in the way of {sql!r} again and again")


def _refused(spot: Spot, sql: str) -> str | None:
    """Return what the server says to `sql` where it refuses it; None where it does not."""
    try:
        with connect(spot.target, application=_WHO) as server:
            server.rows(sql)
    except ServerError as exc:
        return str(exc)[:_SEEN_WORDS_MAX]
    return None
