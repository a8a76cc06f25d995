"""
What a restored copy is put through: its manifest, every page, structure and row, the books.

A level that had nothing to look at is not passed; one that cannot be judged says so (`passed` is
None) and is never counted as good.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .. import books, children, counts, lab
from ..engine import connect
from ..engine.base import Server
from ..engine.sharing import share
from ..errors import StockopsError
from ..lab import Lab
from ..lab import account as accounts
from . import comparing, credentials, questions
from .foreign import innodb
from .manifest import Manifest
from .mariadb import program

CHECK_S = 6 * 3600.0
EXAMPLES_MAX = 5
_BOOKS = "journal_entries"
_FILES_AT_ONCE = 500
# A program that takes one file at a time, with options and a path for each: what it says, in one
# line, of those that it does not like. To start each one as a child of ours takes longer than it.
_EACH_FILE = """
program=$1
shift
while [ $# -gt 0 ]; do
    said=$("$program" $1 "$2" 2>&1) || printf '%s: %s\\n' "$2" "$(printf '%s' "$said" | head -n 1)"
    shift 2
done
"""


@dataclass(slots=True)
class Level:
    """One level of proof: how much it looked at, what it found, how long it took."""

    name: str
    title: str
    looked_at: int = 0
    what: str = ""  # of what it looked at so many
    findings: list[str] = field(default_factory=list)
    unknown: str = ""  # why it cannot be judged
    seconds: float = 0.0

    @property
    def passed(self) -> bool | None:
        """True, False, or None where nobody can tell."""
        if self.findings:
            return False
        if self.unknown:
            return None
        return self.looked_at > 0


Seen = Callable[[str], None]


@contextmanager
def _level(levels: list[Level], name: str, title: str, seen: Seen) -> Iterator[Level]:
    """Add a level; what goes wrong while it is judged is its finding."""
    seen(title)
    level = Level(name, title)
    levels.append(level)
    began = time.monotonic()
    try:
        yield level
    except StockopsError as exc:
        level.findings.append(str(exc))
    level.seconds = round(time.monotonic() - began, 3)


def stored(links: Iterable[Manifest], phases_s: Mapping[str, float]) -> Level:
    """
    Return the level that a copy has passed by being there: `links` are what it was made of.

    Each byte of them was held to its manifest as it was read, and what they became to the files or
    tables that it names; a restore of anything else ends with that as its failure.
    """
    level = Level("L0", "manifest", what="files as their manifests say")
    level.looked_at = sum(len(each.members) or len(each.files) for each in links)
    level.seconds = phases_s.get("verify", 0.0)
    return level


def prove(copy: Lab, said: Manifest, *, moved_on: bool, seen: Seen) -> list[Level]:
    """Put the restored `copy`, which is up, through every level; it is up again at the end."""
    levels: list[Level] = []

    def connected() -> AbstractContextManager[Server]:
        return connect(copy.url(said.database))

    with _level(levels, "L1", "pages", seen) as level:
        if said.method == "logical":
            level.unknown = "a dump holds no pages"
        else:
            lab.stop(copy)
            try:
                _pages(copy, said, level)
            finally:
                lab.start(copy)
    with _level(levels, "L2", "structures", seen) as level:
        _structures(copy, level)
    with _level(levels, "L3", "rows", seen) as level:
        level.what = f"of {len(said.content)} tables held to their rows"
        level.looked_at = comparing.held(said.content, moved_on=moved_on)
        for each in comparing.compare_still(connected, said.content, moved_on=moved_on):
            level.findings.append(
                f"{each.table}: {each.what}: expected {each.expected}, found {each.found}"
            )
        level.unknown = not_held(said, level, moved_on=moved_on)
    with _level(levels, "L4", "the books", seen) as level:
        level.what = "invariants held"
        if _BOOKS not in {each.table for each in said.content}:
            level.unknown = f"this database keeps no books: it had no table {_BOOKS}"
            return levels
        for result in books.check_still(connected):
            level.looked_at += result.state == "held"
            if result.violations:
                level.findings.append(f"{result.name}: {counts.of(result.violations, 'violation')}")
    return levels


def not_held(said: Manifest, level: Level, *, moved_on: bool) -> str:
    """Return why the rows cannot be judged, or not all that could be."""
    if owed := comparing.owed(said.content, moved_on=moved_on):
        return (
            f"{level.looked_at} of {len(said.content)} tables held to their rows; not hashed on "
            f"the server yet: {', '.join(sorted(owed))} (stockops backup hash)"
        )
    return "" if level.looked_at else "the manifest holds no table to its rows"


def _pages(copy: Lab, said: Manifest, level: Level) -> None:
    level.what = "pages"
    if copy.engine == "postgresql":
        if said.settings.get("data_checksums") == "off":
            level.unknown = "data checksums are off on the source"
            return
        lines = _said(copy, [copy.programs / "pg_checksums", "--check", "-D", copy.data])
        counted = [re.search(r"Blocks scanned:\s+(\d+)", line) for line in lines]
        level.looked_at = sum(int(match[1]) for match in counted if match)
        bad = [line for line in lines if "failed in file" in line]
        level.findings += bad[:EXAMPLES_MAX]
        if len(bad) > EXAMPLES_MAX:
            level.findings.append(f"and {counts.of(len(bad) - EXAMPLES_MAX, 'more page')}")
        return
    if said.settings.get("innodb_checksum_algorithm") == "none":
        level.unknown = "page checksums are off on the source"
        return
    page_bytes = int(said.settings.get("innodb_page_size", "16384"))
    spec = said.settings.get("innodb_data_file_path", "ibdata1:12M")
    first = copy.data / innodb.system_files(spec)[0]
    wanted: list[str | Path] = []
    for path in sorted(_tablespaces(copy.data)):
        level.looked_at += path.stat().st_size // page_bytes
        for pages in innodb.readable_pages(path, first=first, page_bytes=page_bytes):
            wanted += [" ".join(pages), path]
    for at in range(0, len(wanted), 2 * _FILES_AT_ONCE):
        some = wanted[at : at + 2 * _FILES_AT_ONCE]
        lines = _said(copy, ["/bin/sh", "-c", _EACH_FILE, "sh", program("innochecksum"), *some])
        level.findings += [line.removeprefix(f"{copy.data}/") for line in lines]


def _tablespaces(data: Path) -> Iterator[Path]:
    yield from data.rglob("*.ibd")
    yield from data.glob("ibdata*")
    yield from data.glob("undo[0-9]*")


def structures(copy: Lab) -> Level:
    """Return what is wrong with the structures of `copy`, and of how many it was asked."""
    level = Level("L3", "structures")
    _structures(copy, level)
    return level


def _structures(copy: Lab, level: Level) -> None:
    if copy.engine == "postgresql":
        level.what = "databases"
        argv: list[str | Path] = [copy.programs / "pg_amcheck", "--all", "--install-missing"]
        argv += ["--heapallindexed", "--parent-check", "--jobs=2", "-w"]
        argv += ["-h", str(copy.sockets), "-p", str(copy.port or 5432), "-U", copy.owner]
        level.findings += _said(copy, argv, fails=True)[:EXAMPLES_MAX]
        with connect(copy.url("postgres")) as server:
            found = server.rows("SELECT count(*) AS n FROM pg_database WHERE datallowconn")
        level.looked_at = found[0]["n"]
        return
    level.what = "tables"
    place = copy.url("mysql")  # the database of the backup may be called anything
    with connect(place) as server:
        tables = [each.name for each in server.fetch(questions.CHECKED)]

    sound: list[str] = []

    def check(server: Server, name: str) -> None:
        # A table's own parts, its secondary indexes against its rows: what mariadb-check asks for.
        said = server.rows(f"CHECK TABLE {name} EXTENDED")
        wrong = [row for row in said if row["Msg_type"].lower() in {"error", "warning"}]
        if not wrong and said[-1]["Msg_text"] == "OK":
            sound.append(name)
        level.findings += [f"{name}: {row['Msg_text']}" for row in wrong]

    share(lambda: connect(place), tables, check)
    level.looked_at = len(sound)
    level.findings = level.findings[:EXAMPLES_MAX]


def _said(copy: Lab, argv: list[str | Path], *, fails: bool = False) -> list[str]:
    """
    Return what `argv` printed, run as the server's account.

    With `fails` it is what it printed where it left badly, and nothing where all was well.
    """
    account = accounts.serving(copy.user)
    log = copy.directory / "proof.log"
    log.unlink(missing_ok=True)
    child = children.start(
        argv,
        cwd=copy.directory,
        log=log,
        env=credentials.environment(TMPDIR=str(copy.scratch)),
        pipes="r",
        switch=account.switch,
    )
    try:
        out = child.stdout.read().decode("utf-8", "replace").splitlines()
        children.wait_until(lambda: child.code is not None, within_s=CHECK_S)
        code = child.code
    finally:
        child.end()
    lines = [line for line in [*out, *children.tail(log)] if line.strip()]
    if fails:
        return [] if code == 0 else lines or [f"left with code {code}"]
    return lines
