"""
The audit of other tools' backups: what they really wrote is sound, each damage to it is told.

What the tools make is made once, in labs, and copied for each damage.
"""

import fcntl
import gzip
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import specimens
from click.testing import CliRunner, Result
from specimens import STANZA, flip

from stockops import lab as labs
from stockops.backups import foreign
from stockops.backups.foreign import pages
from stockops.cli.backup_audit import audit_command as command
from stockops.cli.main import Root
from stockops.errors import StockopsError
from stockops.lab import Lab

NEEDS = {
    "base": (),
    "dumps": (),
    "packed": (),
    "pgbackrest": ("pgbackrest",),
    "barman": ("barman",),
    "mariadb": ("mariadb-backup", "mbstream", "innochecksum"),
    "mariadb-dumps": (),
    "mydumper": ("mydumper",),
}


def make_postgresql(root: Path) -> None:
    with labs.temporary("postgresql", settings={"summarize_wal": "on"}) as lab:
        specimens.slim(lab)
        specimens.psql(lab, specimens.POSTGRESQL_ROWS)
        specimens.dumps(lab, root / "dumps")
        specimens.base_backups(lab, root / "base")
        specimens.base_backups_of_a_tablespace(lab, root / "base")
        specimens.base_backup_of_broken_page(lab, root / "base")


def make_packed(root: Path) -> None:
    with labs.temporary("postgresql", version="15") as lab:
        specimens.slim(lab)
        specimens.packed_base_backups(lab, root / "packed")


def archiving(
    command: Callable[[Path], str], maker: Callable[[Lab, Path], None], folder: Path
) -> None:
    settings = {"archive_mode": "on", "archive_command": command(folder)}
    with labs.temporary("postgresql", version="15", settings=settings) as lab:
        specimens.slim(lab)
        maker(lab, folder)


def make_pgbackrest(root: Path) -> None:
    archiving(specimens.PgBackRest.archive_command, specimens.pgbackrest, root / "pgbackrest")


def make_barman(root: Path) -> None:
    archiving(specimens.Barman.archive_command, specimens.barman, root / "barman")


def make_mariadb(root: Path) -> None:
    with labs.temporary("mariadb") as lab:
        specimens.mariadb(lab, specimens.MARIADB_ROWS)
        specimens.mariadb_dumps(lab, root / "mariadb-dumps")
        if specimens.have("mydumper"):
            specimens.mydumper(lab, root / "mydumper")
        if specimens.have("mariadb-backup"):
            specimens.mariadb_backups(lab, root / "mariadb")


MAKERS = {
    "base": ("postgresql", make_postgresql),
    "dumps": ("postgresql", make_postgresql),
    "packed": ("packed", make_packed),
    "pgbackrest": ("pgbackrest", make_pgbackrest),
    "barman": ("barman", make_barman),
    "mariadb": ("mariadb", make_mariadb),
    "mariadb-dumps": ("mariadb", make_mariadb),
    "mydumper": ("mariadb", make_mariadb),
}


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where the specimens lie, for all workers of a run; each kind is made by who asks first."""

    root: Path

    def get(self, what: str) -> Path:
        """Return the folder of the specimens `what`."""
        name, maker = MAKERS[what]
        place = self.root / name
        with (self.root / f".{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not place.exists():
                # Servers run as another user, who cannot enter pytest's own folders.
                partial = Path(tempfile.mkdtemp(prefix="stockops-specimens-"))
                try:
                    for folder in ("", *MAKERS):
                        (partial / folder).mkdir(exist_ok=True)
                        (partial / folder).chmod(0o755)
                    maker(partial)
                    shutil.move(partial, place)
                finally:
                    shutil.rmtree(partial, ignore_errors=True)
        return place / what


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """The shelf of this run. The last worker to leave takes it away."""
    base = tmp_path_factory.getbasetemp()
    root = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "specimens"
    root.mkdir(exist_ok=True)
    with (root / ".users").open("w") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        yield Shelf(root)
        with suppress(BlockingIOError):
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(root)


@pytest.fixture
def copied(shelf: Shelf, tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Give a function that copies specimens to where they can be damaged; they go afterwards."""

    def copy(what: str, *names: str) -> Path:
        need(what)
        target = tmp_path / what
        for name in names:
            source = shelf.get(what) / name
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target / name, symlinks=True)
            else:
                shutil.copy2(source, target / name)
        return target

    yield copy
    for left in tmp_path.iterdir():
        shutil.rmtree(left)


def need(what: str) -> None:
    """Skip what this machine has no tool for: a distribution may lack one, and not the others."""
    missing = [program for program in NEEDS[what] if not specimens.have(program)]
    version = "15" if what in {"packed", "pgbackrest", "barman"} else None
    engine = MAKERS[what][0] if MAKERS[what][0] == "mariadb" else "postgresql"
    try:
        labs.ENGINES[engine].find(version=version, directory=None)
    except StockopsError as exc:
        missing.append(str(exc))
        if version is None and "CI" in os.environ:
            pytest.fail(str(exc))
    if missing:
        pytest.skip(f"missing on this machine: {', '.join(missing)}")


def rows(path: Path) -> dict[str, foreign.Audited]:
    return {row.id: row for row in foreign.audit(path)}


def only(path: Path) -> foreign.Audited:
    (row,) = foreign.audit(path)
    return row


def run(*args: str | Path) -> Result:
    root = Root(name="stockops")
    root.get_command = lambda _ctx, _name: command  # type: ignore[method-assign, assignment]
    return CliRunner().invoke(root, ["audit", *map(str, args)])


def snapshot(root: Path) -> list[tuple[str, int, int, int]]:
    """Return each file with its size, mode and time: what a write would change."""
    found = []
    for parent, folders, files in os.walk(root):
        for name in [*folders, *files]:
            says = (Path(parent) / name).lstat()
            found.append((f"{parent}/{name}", says.st_size, says.st_mode, says.st_mtime_ns))
    return sorted(found)


def one(folder: Path, pattern: str) -> Path:
    """Return the largest file in `folder` that fits: the one with the rows."""
    return max(folder.glob(pattern), key=lambda path: path.stat().st_size)


def cut(path: Path, kept: float = 0.6) -> None:
    os.truncate(path, int(path.stat().st_size * kept))


SOUND = [
    ("base", "plain", "pg_basebackup"),
    ("base", "tar", "pg_basebackup"),
    ("base", "tar-gzip", "pg_basebackup"),
    ("base", "stream/whole.tar", "pg_basebackup"),
    ("base", "spaced-tar", "pg_basebackup"),
    ("packed", "tar-zstd", "pg_basebackup"),
    ("packed", "tar-lz4", "pg_basebackup"),
    ("dumps", "custom.dump", "pg_dump"),
    ("dumps", "raw.dump", "pg_dump"),
    ("dumps", "tar.tar", "pg_dump"),
    ("dumps", "directory", "pg_dump"),
    ("dumps", "raw-directory", "pg_dump"),
    ("dumps", "plain.sql", "pg_dump"),
    ("dumps", "plain.sql.gz", "pg_dump"),
    ("dumps", "inserts.sql", "pg_dump"),
    ("dumps", "cluster.sql", "pg_dumpall"),
    ("mariadb", "raw", "mariadb-backup"),
    ("mariadb", "prepared", "mariadb-backup"),
    ("mariadb", "stream/all.mbs", "mariadb-backup"),
    ("mariadb-dumps", "whole.sql", "mariadb-dump"),
]


@pytest.mark.parametrize(("what", "name", "tool"), SOUND, ids=[f"{a} {b}" for a, b, _ in SOUND])
def test_what_a_tool_wrote_is_restorable(shelf: Shelf, what: str, name: str, tool: str) -> None:
    need(what)
    row = only(shelf.get(what) / name)
    assert (row.grade, row.tool) == ("restorable", tool), row.reason
    assert row.size_bytes > 0
    assert row.next


def test_a_repository_of_pgbackrest_is_restorable(shelf: Shelf) -> None:
    need("pgbackrest")
    found = foreign.audit(shelf.get("pgbackrest") / "clean")
    assert [(row.kind, row.grade) for row in found] == [
        ("full", "restorable"),
        ("incr", "restorable"),
        ("full", "restorable"),
        ("log", "restorable"),
    ]
    assert all(row.started for row in found if row.kind != "log")


def test_a_server_of_barman_is_restorable(shelf: Shelf) -> None:
    need("barman")
    found = foreign.audit(shelf.get("barman"))
    assert [(row.kind, row.grade) for row in found] == [
        ("full", "restorable"),
        ("log", "restorable"),
    ]


def test_a_tablespace_is_read_where_it_lies(copied: Callable[..., Path]) -> None:
    folder = copied("base", "spaced", "spaced-other")
    link_tablespace(folder / "spaced", folder / "spaced-other")
    assert only(folder / "spaced").grade == "restorable"
    flip(one(folder / "spaced-other", "*/*/*"), 5000)
    assert only(folder / "spaced").grade == "corrupt"


def test_an_incremental_backup_is_as_good_as_what_it_builds_on(copied: Callable[..., Path]) -> None:
    folder = copied("base", "plain", "incremental")
    assert {row.grade for row in foreign.audit(folder)} == {"restorable"}
    flip(one(folder / "plain" / "base", "*/*"), 5000)
    found = rows(folder)
    assert found["incremental"].grade == "corrupt"
    assert "plain" in found["incremental"].reason
    shutil.rmtree(folder / "plain")
    row = only(folder)
    assert (row.grade, row.kind) == ("gap", "incremental")
    assert "is not here" in row.reason


def test_a_page_that_pg_combinebackup_took_over_is_still_broken(
    copied: Callable[..., Path], tmp_path: Path
) -> None:
    """It writes a fresh manifest over the broken page, and pg_verifybackup is content."""
    folder = copied("base", "plain", "incremental")
    tools = labs.ENGINES["postgresql"].find(version=None, directory=None).directory
    whole = tmp_path / "whole"
    big = changed_most(folder / "incremental")
    name = big.name.removeprefix("INCREMENTAL.")
    in_middle(folder / "plain" / big.parent.relative_to(folder / "incremental") / name)
    specimens.must(
        [tools / "pg_combinebackup", folder / "plain", folder / "incremental", "-o", whole]
    )
    specimens.must([tools / "pg_verifybackup", whole])
    row = only(whole)
    assert row.grade == "corrupt"
    assert name in row.reason


def changed_most(folder: Path) -> Path:
    """Return the file of which an incremental backup holds the largest part."""
    return one(folder, "base/*/INCREMENTAL.*")


def lose_manifest(folder: Path) -> None:
    (folder / "backup_manifest").unlink()


def interrupt(folder: Path) -> None:
    """Leave what a killed pg_basebackup leaves."""
    (folder / "backup_manifest").unlink()
    (folder / "global" / "pg_control").unlink()


def sever(folder: Path) -> None:
    """Have a tablespace gone, as on another machine."""
    link_tablespace(folder, Path("/nowhere/at/all"))


def link_tablespace(folder: Path, place: Path) -> None:
    (link,) = (folder / "pg_tblspc").iterdir()
    link.unlink()
    link.symlink_to(place)


def flip_row(folder: Path) -> None:
    flip(one(folder, "base/*/*"), 5000)


def flip_log(folder: Path) -> None:
    flip(one(folder, "pg_wal/0*"), 200)


def damage_log_in_tar(folder: Path) -> None:
    flip(folder / "pg_wal.tar", 512 + 200)


@dataclass(frozen=True, slots=True)
class Damage:
    """Something that happens to a specimen, and what the audit must say of it."""

    id: str
    what: str
    name: str
    do: Callable[[Path], Any]
    grade: str
    says: str


def remove(pattern: str) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        for path in sorted(folder.glob(pattern)) or [folder / "nothing fits"]:
            path.unlink()

    return do


def largest(pattern: str, do: Callable[[Path], Any]) -> Callable[[Path], None]:
    return lambda folder: do(one(folder, pattern))


def in_middle(path: Path) -> None:
    flip(path, path.stat().st_size // 2)


def set_value(name: str, old: str, new: str) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        path = folder / name
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")

    return do


def finish_never(folder: Path) -> None:
    """Leave what a killed mariadb-backup leaves."""
    for pattern in ("backup-my.cnf", "xtrabackup_*", "aria_log*"):
        remove(pattern)(folder)


def rename(old: str, new: str) -> Callable[[Path], Any]:
    return lambda folder: (folder / old).rename(folder / new)


def cut_gzip(path: Path) -> None:
    data = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(data[: len(data) // 2]))


DAMAGES = [
    Damage("a row", "base", "plain", flip_row, "corrupt", "checksum mismatch"),
    Damage(
        "a lost file", "base", "plain", largest("base/*/*", Path.unlink), "corrupt", "not on disk"
    ),
    Damage(
        "a changed manifest",
        "base",
        "plain",
        largest("backup_manifest", in_middle),
        "corrupt",
        "manifest",
    ),
    Damage("no manifest", "base", "plain", lose_manifest, "unknown", "no backup_manifest"),
    Damage("a killed pg_basebackup", "base", "plain", interrupt, "corrupt", "global/pg_control"),
    Damage("a broken log", "base", "plain", flip_log, "corrupt", "log cannot be read"),
    Damage("a lost log", "base", "plain", remove("pg_wal/0*"), "gap", "does not hold the log"),
    Damage("a lost tablespace", "base", "spaced", sever, "unknown", "/nowhere/at/all"),
    Damage("a cut tar", "base", "tar", largest("base.tar", cut), "corrupt", "base.tar"),
    Damage("a row in a tar", "base", "tar", largest("base.tar", in_middle), "corrupt", "base"),
    Damage("a cut gzip", "base", "tar-gzip", largest("base.tar.gz", cut), "corrupt", "base.tar.gz"),
    Damage(
        "a gzip", "base", "tar-gzip", largest("base.tar.gz", in_middle), "corrupt", "base.tar.gz"
    ),
    Damage("a log in a tar", "base", "tar", damage_log_in_tar, "corrupt", "log cannot be read"),
    Damage("a lost log in a tar", "base", "tar", remove("pg_wal.tar"), "gap", "the log"),
    Damage("a cut stream", "base", "stream", largest("*", cut), "corrupt", "whole.tar"),
    Damage("a cut zstd", "packed", "tar-zstd", largest("base*", cut), "corrupt", "base.tar.zst"),
    Damage("a cut lz4", "packed", "tar-lz4", largest("base*", cut), "corrupt", "base.tar.lz4"),
    Damage("a zstd", "packed", "tar-zstd", largest("base*", in_middle), "corrupt", "base.tar"),
    Damage("a cut archive", "dumps", "custom.dump", cut, "corrupt", "end of file"),
    Damage("a changed archive", "dumps", "custom.dump", in_middle, "corrupt", "pg_restore"),
    Damage("a cut raw archive", "dumps", "raw.dump", cut, "corrupt", "end of file"),
    Damage("a cut tar archive", "dumps", "tar.tar", cut, "corrupt", "no whole tar"),
    Damage(
        "a lost table", "dumps", "directory", largest("*.dat.gz", Path.unlink), "corrupt", "open"
    ),
    Damage(
        "a cut table", "dumps", "directory", largest("*.dat.gz", cut_gzip), "corrupt", "rows of"
    ),
    Damage(
        "a cut raw table", "dumps", "raw-directory", largest("*.dat", cut), "corrupt", "rows of"
    ),
    Damage("a lost contents", "dumps", "directory", remove("toc.dat"), "corrupt", "toc.dat"),
    Damage("a cut text", "dumps", "plain.sql", cut, "corrupt", "rows of public.big"),
    Damage("a text cut at a row", "dumps", "inserts.sql", cut, "corrupt", "it was cut"),
    Damage("a cut text in gzip", "dumps", "plain.sql.gz", cut, "corrupt", "decompressed"),
    Damage("an empty text", "dumps", "plain.sql", lambda path: cut(path, 0), "corrupt", "empty"),
    Damage(
        "a cut cluster", "dumps", "cluster.sql", lambda p: cut(p, 0.999), "corrupt", "it was cut"
    ),
    Damage(
        "M12 a page",
        "mariadb",
        "raw",
        lambda p: flip(p / "trading/big.ibd", 70000),
        "corrupt",
        "trading/big.ibd",
    ),
    Damage(
        "M12 a prepared page",
        "mariadb",
        "prepared",
        lambda p: flip(p / "trading/big.ibd", 70000),
        "corrupt",
        "trading/big.ibd",
    ),
    Damage(
        "M13 lost tablespaces",
        "mariadb",
        "raw",
        remove("trading/[ab]*.ibd"),
        "corrupt",
        "trading/aa.ibd, trading/big.ibd",
    ),
    Damage(
        "a table lost whole",
        "mariadb",
        "prepared",
        remove("trading/big.*"),
        "corrupt",
        "dictionary has tables that are missing: trading/big.ibd",
    ),
    Damage(
        "a table lost whole before",
        "mariadb",
        "raw",
        remove("trading/big.*"),
        "corrupt",
        "trading/big.ibd",
    ),
    Damage(
        "a lost definition",
        "mariadb",
        "raw",
        remove("trading/big.frm"),
        "corrupt",
        "trading/big.frm",
    ),
    Damage(
        "a lost partition",
        "mariadb",
        "raw",
        remove("trading/parted#P#p1.ibd"),
        "corrupt",
        "parted#P#p1",
    ),
    Damage(
        "a lost system table",
        "mariadb",
        "raw",
        remove("mysql/global_priv.MAD"),
        "corrupt",
        "global_priv.MAD",
    ),
    Damage("no system tablespace", "mariadb", "raw", remove("ibdata1"), "corrupt", "ibdata1"),
    Damage(
        "M14 a killed mariadb-backup", "mariadb", "raw", finish_never, "corrupt", "backup-my.cnf"
    ),
    Damage(
        "a cut redo log",
        "mariadb",
        "raw",
        lambda p: os.truncate(p / "ib_logfile0", 12388),
        "corrupt",
        "ib_logfile0",
    ),
    Damage("a cut mbstream", "mariadb", "stream", largest("*", cut), "corrupt", "unpacked"),
    Damage(
        "a changed mbstream", "mariadb", "stream", largest("*", in_middle), "corrupt", "unpacked"
    ),
    Damage("M18 a cut dump", "mariadb-dumps", "whole.sql", cut, "corrupt", "it was cut"),
    Damage(
        "M15 a lost piece",
        "mydumper",
        "text",
        remove("trading.big.00001.sql"),
        "unknown",
        "trading.big.00001.sql",
    ),
    Damage(
        "M16 a killed mydumper",
        "mydumper",
        "text",
        rename("metadata", "metadata.partial"),
        "corrupt",
        "not finished",
    ),
    Damage("a cut piece", "mydumper", "text", largest("trading.big.*", cut), "corrupt", "ends in"),
    Damage(
        "a cut piece in gzip",
        "mydumper",
        "gzip",
        largest("trading.big.*", cut),
        "corrupt",
        "decompressed",
    ),
    Damage(
        "a piece without a table",
        "mydumper",
        "text",
        remove("trading.big-schema.sql"),
        "corrupt",
        "trading.big-schema.sql",
    ),
]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda each: f"{each.what} {each.id}")
def test_damage_is_told(copied: Callable[..., Path], damage: Damage) -> None:
    place = copied(damage.what, damage.name) / damage.name
    damage.do(place)
    row = only(place)
    assert row.grade == damage.grade, row.reason
    assert damage.says in row.reason


def test_a_page_that_was_broken_on_the_server_is_told(shelf: Shelf) -> None:
    """pg_verifybackup has nothing against it: the manifest was made of what was copied."""
    place = shelf.get("base") / "broken-page"
    tools = labs.ENGINES["postgresql"].find(version=None, directory=None).directory
    specimens.must([tools / "pg_verifybackup", place])
    row = only(place)
    assert row.grade == "corrupt"
    assert "page 1" in row.reason


def test_checksums_of_pages_are_those_of_the_server(shelf: Shelf) -> None:
    """One byte, whichever, changes it; so does another place."""
    path = one(shelf.get("base") / "plain", "base/*/*")
    page = path.read_bytes()[:8192]
    stored = int.from_bytes(page[8:10], "little")
    flipped = page[:5000] + bytes([page[5000] ^ 1]) + page[5001:]
    found = pages.checksums([0, 1, 0], [page, page, flipped])
    assert found[0] == stored
    assert stored not in found[1:]


def test_what_cannot_be_judged_is_unknown(shelf: Shelf) -> None:
    need("mariadb")
    need("mydumper")
    expected = [
        ("base", "nothing-listed", "no backup_manifest"),
        ("mariadb", "incremental", ".delta"),
        ("mariadb-dumps", "compact.sql", "no first or last line"),
        ("mariadb-dumps", "mixed.sql", "zz_my (MyISAM)"),
        ("mydumper", "text", "neither its files nor its rows"),
    ]
    for what, name, says in expected:
        row = rows(shelf.get(what))[name]
        assert row.grade == "unknown", (name, row)
        assert says in row.reason


def test_a_base_backup_without_its_log_is_a_gap(shelf: Shelf) -> None:
    row = only(shelf.get("base") / "no-log")
    assert row.grade == "gap"
    assert "does not hold the log it needs" in row.reason


def pgbackrest_grades(repository: Path) -> list[str]:
    return [row.grade for row in foreign.audit(repository)]


def bundle(repository: Path) -> Path:
    return one(repository, f"backup/{STANZA}/*/bundle/*")


def single(repository: Path) -> Path:
    return one(repository, f"backup/{STANZA}/*/pg_data/base/*/*.gz")


def log_segments(repository: Path) -> list[Path]:
    return sorted(repository.glob(f"archive/{STANZA}/*/*/*-*"))


def after_second(repository: Path) -> Path:
    """Return a segment between the incremental backup and the next full one."""
    return log_segments(repository)[-6]


FULL, INCR, LAST, LOG = range(4)
PGBACKREST = [
    ("M1 a bundle", lambda p: in_middle(bundle(p)), {FULL: "corrupt", INCR: "corrupt"}, FULL,
     "is not what was stored"),
    ("M1 a file", lambda p: in_middle(single(p)), {LAST: "corrupt"}, LAST, "pg_data/base"),
    ("a lost file", lambda p: single(p).unlink(), {LAST: "corrupt"}, LAST, "is missing"),
    ("M2 a lost segment", lambda p: after_second(p).unlink(),
     {FULL: "gap", INCR: "gap", LOG: "gap"}, INCR, "missing after it: 0000000100000000000000"),
    ("a changed segment", lambda p: in_middle(after_second(p)),
     {FULL: "gap", INCR: "gap", LOG: "corrupt"}, INCR, "not readable"),
    ("a cut segment", lambda p: cut(after_second(p)),
     {FULL: "gap", INCR: "gap", LOG: "corrupt"}, LOG, "decompressed"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("do", "expected", "row", "says"),
    [each[1:] for each in PGBACKREST],
    ids=[each[0] for each in PGBACKREST],
)
def test_damage_to_a_repository_of_pgbackrest_is_told(
    copied: Callable[..., Path],
    do: Callable[[Path], Any],
    expected: dict[int, str],
    row: int,
    says: str,
) -> None:
    repository = copied("pgbackrest", "clean") / "clean"
    do(repository)
    found = foreign.audit(repository)
    assert [each.grade for each in found] == [
        expected.get(number, "restorable") for number in range(4)
    ]
    assert says in found[row].reason


def test_a_backup_without_the_log_it_needs_is_a_gap(copied: Callable[..., Path]) -> None:
    repository = copied("pgbackrest", "clean") / "clean"
    info = (repository / "backup" / STANZA / "backup.info").read_text("utf-8")
    needed = info.partition('"backup-archive-start":"')[2][:24]
    (segment,) = repository.glob(f"archive/{STANZA}/*/*/{needed}-*")
    segment.unlink()
    row = foreign.audit(repository)[FULL]
    assert row.grade == "gap"
    assert row.reason == f"the log that it cannot do without is missing: {needed}"


def test_the_copy_of_an_information_file_stands_in_for_it(copied: Callable[..., Path]) -> None:
    repository = copied("pgbackrest", "clean") / "clean"
    for name in ("backup.info", "*F/backup.manifest"):
        for path in repository.glob(f"backup/{STANZA}/{name}"):
            in_middle(path)
    assert set(pgbackrest_grades(repository)) == {"restorable"}
    broken = repository / "backup" / STANZA / "backup.info"
    shutil.copy2(broken, f"{broken}.copy")
    assert pgbackrest_grades(repository) == ["corrupt", "restorable"]


def test_a_backup_that_pgbackrest_did_not_finish_is_unknown(copied: Callable[..., Path]) -> None:
    repository = copied("pgbackrest", "clean") / "clean"
    stray = repository / "backup" / STANZA / "20250102-090000F"
    stray.mkdir()
    (stray / "backup.manifest.copy").write_text("[backup]\n", "utf-8")
    row = rows(repository)[f"{STANZA}/20250102-090000F"]
    assert (row.grade, row.kind) == ("unknown", "-")


def test_pgbackrest_says_itself_which_pages_were_broken(shelf: Shelf) -> None:
    need("pgbackrest")
    found = foreign.audit(shelf.get("pgbackrest") / "repo")
    assert [row.grade for row in found][-2:] == ["corrupt", "restorable"]
    assert "broken on the server already" in found[-2].reason


def test_an_encrypted_repository_is_unknown(shelf: Shelf) -> None:
    need("pgbackrest")
    found = foreign.audit(shelf.get("pgbackrest") / "secret")
    assert {row.grade for row in found} == {"unknown"}
    assert "encrypted" in found[0].reason


def test_a_repository_without_a_stanza_is_nothing_found(tmp_path: Path) -> None:
    """pgBackRest's own verify leaves it with 0 and no word (M5)."""
    (tmp_path / "archive").mkdir()
    (tmp_path / "backup").mkdir()
    result = run(tmp_path)
    assert (result.exit_code, result.stdout) == (1, "(none)\n")
    assert "nothing in" in result.stderr


def barman_segments(home: Path) -> list[Path]:
    return sorted(home.glob(f"{STANZA}/wals/*/" + "[0-9A-F]" * 24))


def unpack_and_flip(path: Path) -> None:
    """Store a segment as Barman does without compression, and change a byte of a record."""
    path.write_bytes(gzip.decompress(path.read_bytes()))
    flip(path, 100)


BARMAN = [
    ("a row", lambda p: flip(one(p, f"{STANZA}/base/*/data/base/*/*"), 5000),
     ["corrupt", "restorable"], "checksum mismatch"),
    ("M2 a lost segment", lambda p: barman_segments(p)[-2].unlink(), ["gap", "gap"],
     "missing after it: 0000000100000000000000"),
    ("a segment it needs", lambda p: barman_segments(p)[0].unlink(), ["gap", "gap"],
     "cannot do without"),
    ("a cut segment", lambda p: cut(barman_segments(p)[-2]), ["gap", "corrupt"], "not readable"),
    ("a record", lambda p: unpack_and_flip(barman_segments(p)[-2]), ["gap", "corrupt"],
     "not readable"),
    ("an exchanged segment",
     lambda p: shutil.copy2(barman_segments(p)[-1], barman_segments(p)[-2]), ["gap", "corrupt"],
     "does not begin as this segment"),
    ("no data", lambda p: shutil.rmtree(next(p.glob(f"{STANZA}/base/*/data"))),
     ["corrupt", "restorable"], "its data is missing"),
    ("a failed one", lambda p: set_value(str(next(p.glob(f"{STANZA}/base/*/backup.info"))),
     "status=DONE", "status=FAILED")(p), ["corrupt", "restorable"], "failed"),
    ("an unfinished one", lambda p: set_value(str(next(p.glob(f"{STANZA}/base/*/backup.info"))),
     "status=DONE", "status=STARTED")(p), ["unknown", "restorable"], "interrupted"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("do", "expected", "says"), [each[1:] for each in BARMAN], ids=[each[0] for each in BARMAN]
)
def test_damage_to_a_server_of_barman_is_told(
    copied: Callable[..., Path], do: Callable[[Path], Any], expected: list[str], says: str
) -> None:
    home = copied("barman", "home") / "home"
    do(home)
    found = foreign.audit(home)
    assert [row.grade for row in found] == expected, found
    assert says in found[0].reason


def test_nothing_is_written_where_the_backups_are(shelf: Shelf) -> None:
    looked_at = {
        "base": ("plain", "tar-gzip", "stream"),
        "dumps": ("",),
        "pgbackrest": ("clean",),
        "barman": ("",),
        "mariadb": ("raw", "prepared", "stream"),
        "mydumper": ("",),
    }
    for what, names in looked_at.items():
        need(what)
        for name in names:
            place = shelf.get(what) / name
            before = snapshot(place)
            assert foreign.audit(place)
            assert snapshot(place) == before


def test_the_command_leaves_with_0_only_when_all_of_it_is_sound(shelf: Shelf) -> None:
    sound = run(shelf.get("dumps"))
    assert sound.exit_code == 0, sound.output
    assert "restorable" in sound.stdout
    broken = run(shelf.get("base") / "broken-page", "--format", "json")
    assert broken.exit_code == 1
    (row,) = json.loads(broken.stdout)
    assert (row["tool"], row["grade"], row["kind"]) == ("pg_basebackup", "corrupt", "full")
    assert row.keys() == {"tool", "id", "kind", "started", "size_bytes", "grade", "reason", "next"}


def test_a_path_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    result = run(tmp_path / "nothing")
    assert result.exit_code == 2
    assert "there is no" in result.stderr


def test_a_file_that_claims_to_be_a_dump_and_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty.sql").touch()
    (tmp_path / "noise.dump").write_bytes(b"\0\1\2" * 1000)
    (tmp_path / "empty.sql.gz").write_bytes(gzip.compress(b""))
    (tmp_path / "notes.txt").write_text("nothing that is meant to be one", "utf-8")
    assert {row.id: row.grade for row in foreign.audit(tmp_path)} == {
        "empty.sql": "corrupt",
        "empty.sql.gz": "corrupt",
        "noise.dump": "unknown",
    }


def test_pipes_links_to_themselves_and_great_depth_hide_nothing_and_hang_nothing(
    tmp_path: Path,
) -> None:
    os.mkfifo(tmp_path / "base.tar")
    os.mkfifo(tmp_path / "waits.sql")
    (tmp_path / "again").symlink_to("again")
    (tmp_path / "up").symlink_to("..")
    (tmp_path / "empty.sql").touch()
    deep = tmp_path.joinpath("deep", *"abcdefghijklmnop")
    deep.mkdir(parents=True)
    (deep / "empty.sql").touch()
    found = {row.id: row for row in foreign.audit(tmp_path)}
    (not_read,) = found.keys() - {"empty.sql"}
    assert not_read.startswith("deep/a/b")
    assert (found[not_read].grade, found["empty.sql"].grade) == ("unknown", "corrupt")
    assert "not looked into" in found[not_read].reason


@pytest.mark.parametrize(
    ("what", "name", "made_by_start"),
    [("base", "plain", "postmaster.opts"), ("mariadb", "prepared", "multi-master.info")],
)
def test_what_a_server_ran_on_since_it_was_restored_is_no_damaged_backup(
    copied: Callable[..., Path], what: str, name: str, made_by_start: str
) -> None:
    """It has gone on from what its manifest and its checkpoints say; it may run at this moment."""
    place = copied(what, name) / name
    (place / made_by_start).touch()
    for path in place.glob("backup_label"):
        path.rename(place / "backup_label.old")
    for path in [*place.glob("ibdata1"), *place.glob("global/pg_filenode.map")]:
        path.write_bytes(path.read_bytes()[:-8] + b"changed!")
    row = only(place)
    assert row.grade == "unknown", row.reason
    assert "this is a data directory" in row.reason
