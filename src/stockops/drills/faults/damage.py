"""What disks do to data: bytes that are not those that were written, files that are gone."""

import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ... import lab as labs
from ...engine import connect
from ...errors import StockopsError
from ...lab.process import environment
from .base import Driver, Needs, Ordinary, Spot, anywhere

FLIPPED_BYTES = 64
CONTROL_S = 30.0
_PAGE_BYTES = {"postgresql": 8192, "mariadb": 16384}
_SEEN_CHARS_MAX = 200
_INDEX_PAGE = 17855  # of InnoDB: a page of a B-tree
_PRIMARY_ROOT = 3  # of every table of InnoDB that has a file of its own
_REDO = re.compile(r"REDO WAL file:\s+([0-9A-F]{24})")
_DAMAGE = {
    "postgresql": re.compile(r"invalid page in block|could not locate a valid checkpoint record"),
    "mariadb": re.compile(r"page corruption|is corrupted|ib_logfile0 was not found"),
}


class _Fault(Ordinary):
    """What these have in common: they harm data, and leave the words of the server."""

    destroys = True
    drivers = (Driver("file", anywhere),)

    def bites(self, spot: Spot) -> str | None:
        """Return the last words in which the server says what it found."""
        with spot.lab.log_path.open("rb") as log:
            log.seek(spot.memory.get("log_at", 0))
            said = log.read().decode("utf-8", "replace").splitlines()
        found = [line for line in said if _DAMAGE[spot.engine].search(line)]
        return found[-1][:_SEEN_CHARS_MAX] if found else None


class CorruptPage(_Fault):
    """A page of the accounts is not what was written when the server reads it after a restart."""

    name = "corrupt_page"
    title = "A page of a table is damaged"
    wants = Needs(backup=True, archive=True)

    def inject(self, spot: Spot, driver: str) -> None:
        """Change a page that is in the middle of the rows."""
        del driver
        path = _file(spot, "accounts")

        def rows() -> Sequence[int]:
            found = list(_pages(spot.engine, path, root=_PRIMARY_ROOT))
            return found[len(found) // 2 :][:1]

        _change(spot, path, rows)


class CorruptIndex(_Fault):
    """The index by which an order is found again is damaged; the rows are not."""

    name = "corrupt_index"
    title = "An index is damaged, its table is not"

    def inject(self, spot: Spot, driver: str) -> None:
        """Change every page of it that a search can come to."""
        del driver
        if spot.engine == "postgresql":
            path, root = _file(spot, "orders_key_uq"), 0
        else:
            path, root = _file(spot, "orders"), _root(spot, "orders", "orders_key_uq")
        _change(spot, path, lambda: list(_pages(spot.engine, path, root=root)))


class LostLog(_Fault):
    """The server is killed, and the log that it would recover from is gone."""

    name = "lost_log"
    title = "The log for recovery is gone"
    wants = Needs(backup=True, archive=True)

    def inject(self, spot: Spot, driver: str) -> None:
        """Kill it, and put the file aside that its recovery begins with."""
        del driver
        spot.memory["log_at"] = spot.lab.log_path.stat().st_size
        labs.crash(spot.now)
        path = _first_log(spot)
        path.rename(spot.lab.directory / f"{path.name}.lost")
        try:
            labs.up(spot.lab.name)
        except StockopsError:
            return
        raise StockopsError(f"the server comes up without {str(path)!r}")


def flip(path: Path, at: int) -> None:
    """Change the bytes of `path` at the offset `at`."""
    with path.open("r+b") as file:
        file.seek(at)
        there = file.read(FLIPPED_BYTES)
        file.seek(at)
        file.write(bytes(each ^ 0xFF for each in there))


def _change(spot: Spot, path: Path, pages: Callable[[], Sequence[int]]) -> None:
    """
    Stop the server in good order, change pages of `path`, and start it.

    What it has in memory is right, and after a crash its log would repair the page.
    """
    labs.down(spot.lab.name)
    numbers = pages()
    if not numbers:
        raise StockopsError(f"{str(path)!r} has no page to damage")
    size = _PAGE_BYTES[spot.engine]
    for number in numbers:
        flip(path, number * size + size // 2)
    spot.memory["log_at"] = spot.lab.log_path.stat().st_size
    labs.up(spot.lab.name)


def _pages(engine: str, path: Path, *, root: int) -> Iterator[int]:
    """
    Yield the pages of a relation that hold its rows or entries.

    A file of InnoDB holds several trees: those of the tree whose root is the page `root`.
    """
    data = path.read_bytes()
    size = _PAGE_BYTES[engine]
    if engine == "postgresql":  # the first page of an index says where its root is
        yield from range(1, len(data) // size)
        return
    pages = {at // size: data[at : at + size] for at in range(0, len(data), size)}
    tree = pages[root][66:74]
    for number, page in pages.items():
        is_leaf = page[64:66] == b"\0\0"
        if int.from_bytes(page[24:26]) == _INDEX_PAGE and page[66:74] == tree and is_leaf:
            yield number


def _file(spot: Spot, name: str) -> Path:
    """Return the file of the table or, on PostgreSQL, index `name`."""
    if spot.engine == "mariadb":
        return spot.lab.data / labs.DATABASE / f"{name}.ibd"
    with connect(spot.target, application="stockops drill") as server:
        sql = "SELECT pg_relation_filepath(%(name)s::regclass) AS path"
        return spot.lab.data / str(server.rows(sql, {"name": name})[0]["path"])


def _root(spot: Spot, table: str, index: str) -> int:
    with connect(spot.target, application="stockops drill") as server:
        sql = (
            "SELECT i.page_no AS page FROM information_schema.innodb_sys_indexes AS i"
            " JOIN information_schema.innodb_sys_tables AS t ON t.table_id = i.table_id"
            " WHERE t.name = %(table)s AND i.name = %(index)s"
        )
        named = {"table": f"{labs.DATABASE}/{table}", "index": index}
        return int(server.rows(sql, named)[0]["page"])


def control(spot: Spot) -> str:
    """Return what pg_controldata says of a PostgreSQL that is down."""
    asked = subprocess.run(
        [spot.lab.programs / "pg_controldata", spot.lab.data],
        capture_output=True,
        text=True,
        env=environment(spot.folder),
        timeout=CONTROL_S,
        check=False,
    )
    return asked.stdout


def _first_log(spot: Spot) -> Path:
    """Return the file that recovery begins with; the server is down."""
    if spot.engine == "mariadb":
        return spot.lab.data / "ib_logfile0"
    found = _REDO.search(control(spot))
    if found is None:
        raise StockopsError("pg_controldata does not say where recovery begins")
    return spot.lab.data / "pg_wal" / found[1]
