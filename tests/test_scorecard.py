"""
Twenty ways to lose a backup without a word (M1 to M20): this tool does not stay silent.

What is damaged was made by the commands on real servers, and it is the commands that are asked. Of
some ways other tests tell, which bear their numbers; `make scorecard` lists them all, with what
other tools make of the same.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import damage
import pyrage
import pytest
import specimens
from click.testing import CliRunner
from conftest import eventually
from specimens import flip, mariadb, psql
from underload import trading

from stockops import lab as labs
from stockops.backups import archive, drilling, manifest, repository, restoring
from stockops.backups.archive import ledger
from stockops.backups.manifest import Manifest
from stockops.backups.streams import Form
from stockops.cli import main
from stockops.engine import connect
from stockops.errors import StockopsError
from stockops.lab import Lab
from stockops.settings import reloading
from stockops.targets import Target

SOON_S = 60.0
BEFORE_IT_CHARACTERS = 80  # of what was said, in the scorecard
SAID_CHARACTERS = 200
PIECES = 5  # of log behind the last backup
SETTINGS = {
    "postgresql": {"summarize_wal": "on", "archive_mode": "on", "archive_command": "/bin/false"},
    "mariadb": {},
}
# A backup that ends with its first bytes, as by the OOM killer.
KILLED = """
import os, signal, sys
from stockops.backups import repository, taking
from stockops.targets import Target
from stockops.settings import reloading
taking.take(
    repository.opened(sys.argv[2]),
    Target(name="killed", url=sys.argv[1]),
    taking.Request(method="logical"),
    progress=lambda _: os.kill(os.getpid(), signal.SIGKILL),
)
"""


@dataclass(frozen=True, slots=True)
class Said:
    """What a command left with, and said."""

    command: str
    code: int
    text: str


def ask(place: Path, *words: str) -> Said:
    """Ask `stockops backup` about the repository in `place`."""
    ran = CliRunner().invoke(main, ["backup", *words, "--repository", str(place)])
    shown = " ".join(word for word in words if "://" not in word and word != "-t")
    return Said(f"backup {shown}", ran.exit_code, ran.output)


def must(place: Path, *words: str) -> str:
    said = ask(place, *words)
    assert said.code == 0, said.text
    return said.text


Told = Callable[..., None]


@pytest.fixture
def told(record_property: Callable[[str, object], None]) -> Told:
    """Hold an answer to what it must name, and leave it for the scorecard."""

    def hold(said: Said, *names: str) -> None:
        lines = [line for line in said.text.splitlines() if names[0] in line]
        words = " ".join((lines or said.text.splitlines() or [""])[-1].split())
        if (at := words.find(names[0]) - BEFORE_IT_CHARACTERS) > 0:
            words = f"... {words[at:]}"
        words = words if len(words) <= SAID_CHARACTERS else f"{words[:SAID_CHARACTERS]} ..."
        record_property("said", f"`{said.command}` left with {said.code}: {words}")
        assert said.code not in {0, 70}, said.text
        assert [name for name in names if name not in said.text] == [], said.text

    return hold


@dataclass(slots=True)
class Ground:
    """A server, and a repository with what the commands made of it; copies of it are damaged."""

    lab: Lab
    target: Target
    place: Path
    pieces: list[str] = field(default_factory=list)
    before_last: str = ""  # a time behind the piece in the middle

    @property
    def system(self) -> str:
        return repository.opened(str(self.place)).one_system()

    def backups(self, place: Path) -> list[Manifest]:
        found = repository.opened(str(place)).backups()
        return [each.manifest for each in found if each.manifest]

    def stream(self, place: Path, said: Manifest) -> Path:
        """The file of `said` that holds the rows."""
        folder = place / "backups" / said.system / said.id
        return max(folder.iterdir(), key=lambda path: path.stat().st_size)

    def logs(self, place: Path) -> list[Path]:
        """What is stored of the log behind the last backup, a file for each piece."""
        every = archive.logs(repository.opened(str(place)), self.system)
        return [place / str(log.object) for log in every if log.name in self.pieces]

    def sql(self, statement: str) -> str:
        run = psql if self.lab.engine == "postgresql" else mariadb
        return run(self.lab, statement)


@contextmanager
def ground(engine: str, folder: Path) -> Iterator[Ground]:
    with labs.temporary(engine, settings=SETTINGS[engine]) as lab:
        made = Ground(lab, Target(name="prod", url=lab.url(), lab=lab.name), folder / "repository")
        must(made.place, "init")
        if engine == "postgresql":
            specimens.slim(lab)
            psql(lab, specimens.POSTGRESQL_ROWS)
            fill_postgresql(made)
        else:
            mariadb(lab, specimens.MARIADB_ROWS)
            mariadb(lab, "CREATE TABLE database_identity AS SELECT 1 AS only_row, 'x' AS identity")
            fill_mariadb(made)
        must(made.place, "take", "-t", lab.url(), "--logical", "--compress", "none")
        yield made


def fill_postgresql(made: Ground) -> None:
    """Take a chain of three, and archive the log behind it piece by piece."""
    for kind in ("--full", "--incremental", "--incremental"):
        must(made.place, "take", "-t", made.lab.url(), kind)
        psql(made.lab, "UPDATE big SET t = t || 'x' WHERE id < 300")
    psql(made.lab, "CREATE TABLE later (id serial, at timestamptz DEFAULT clock_timestamp())")
    for _ in range(PIECES):
        psql(made.lab, "INSERT INTO later DEFAULT VALUES")
        made.pieces.append(psql(made.lab, "SELECT pg_walfile_name(pg_switch_wal())"))
    last_two = "SELECT at FROM later ORDER BY at DESC LIMIT 2"
    between = f"SELECT min(at) + (max(at) - min(at)) / 2 FROM ({last_two}) AS t"
    made.before_last = psql(made.lab, f"SELECT to_json(({between}))").strip('"')
    stop = psql(made.lab, f"SELECT pg_walfile_name('{made.backups(made.place)[-1].stop.lsn}')")
    repo = repository.opened(str(made.place))
    for path in sorted((made.lab.data / "pg_wal").glob("0" * 7 + "1" + "0" * 8 + "????????")):
        if stop <= path.name <= made.pieces[-1]:
            archive.push(repo, path, system=None, form=Form(level=1))


def fill_mariadb(made: Ground) -> None:
    """Take a backup, and have the log behind it received file by file."""
    command = [sys.executable, "-m", "stockops", "backup", "archive", "run"]
    command += ["-t", made.lab.url(), "--repository", str(made.place)]
    receiver = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        specimens.settle(made.lab)
        must(made.place, "take", "-t", made.lab.url())
        mariadb(made.lab, "CREATE TABLE later (id INT PRIMARY KEY)")
        for number in range(PIECES):
            mariadb(made.lab, f"FLUSH BINARY LOGS; INSERT INTO later VALUES ({number})")
            made.pieces.append(mariadb(made.lab, "SHOW MASTER STATUS").split("\t")[0])
        mariadb(made.lab, "FLUSH BINARY LOGS")
        repo = repository.opened(str(made.place))
        eventually(
            lambda: set(made.pieces) <= {log.name for log in ledger.logs(repo, repo.one_system())},
            SOON_S,
        )
    finally:
        receiver.terminate()
        receiver.wait(SOON_S)


def need(engine: str) -> None:
    """Skip what this machine has no server for; in CI it fails."""
    try:
        labs.ENGINES[engine].find(version=None, directory=None)
    except StockopsError as exc:
        if "CI" in os.environ:
            pytest.fail(str(exc))
        pytest.skip(str(exc))


@pytest.fixture(scope="module")
def grounds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Ground]]:
    with ExitStack() as stack:
        made: dict[str, Ground] = {}

        def get(engine: str) -> Ground:
            if engine not in made:
                need(engine)
                folder = tmp_path_factory.mktemp(engine)
                made[engine] = stack.enter_context(ground(engine, folder))
            return made[engine]

        yield get


@pytest.fixture
def pg(grounds: Callable[[str], Ground]) -> Ground:
    return grounds("postgresql")


@pytest.fixture
def my(grounds: Callable[[str], Ground]) -> Ground:
    return grounds("mariadb")


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Callable[[Ground], Path]]:
    """Give a function that copies the repository of a ground to where it may be damaged."""

    def copied(made: Ground) -> Path:
        return Path(shutil.copytree(made.place, tmp_path / made.lab.engine))

    yield copied
    shutil.rmtree(tmp_path, ignore_errors=True)


Copy = Callable[[Ground], Path]


@pytest.mark.case("M1")
def test_m1_bytes_that_changed_in_the_repository_are_told(
    pg: Ground, copy: Copy, told: Told
) -> None:
    place = copy(pg)
    assert ask(place, "verify").code == 0
    path = pg.stream(place, pg.backups(place)[0])
    damage.overwrite(path)
    told(ask(place, "verify"), path.name, pg.backups(place)[0].id)


@pytest.mark.case("M2")
def test_m2_a_segment_that_is_missing_in_the_middle_is_told(
    pg: Ground, copy: Copy, told: Told
) -> None:
    place = copy(pg)
    assert ask(place, "windows").code == 0
    lost = damage.lose_middle(pg.logs(place))
    told(ask(place, "windows"), f"{lost.name[:24]} missing")


@pytest.mark.case("M2", engine="postgresql")
@pytest.mark.case("M20", engine="mariadb")
@pytest.mark.parametrize("engine", SETTINGS)
def test_a_backup_without_the_log_that_follows_it_is_told(
    grounds: Callable[[str], Ground], engine: str, copy: Copy, told: Told
) -> None:
    """The piece in which it stopped is gone, so that nothing leads on to those behind it."""
    made = grounds(engine)
    place = copy(made)
    last = [said for said in made.backups(place) if said.method == "physical"][-1]
    repo = repository.opened(str(place))
    (window,) = [each for each in archive.windows(repo, made.system) if last.id in each.backups]
    first = next(log for log in window.logs if log.end.lsn or log.name == last.stop.file)
    for path in (place / "archive").rglob(f"{first.name}.*"):
        path.unlink()
    told(ask(place, "windows"), f"{first.name} missing")
    assert f"{first.name} missing" in ask(place, "restore", "--plan").text


@pytest.mark.case("M3")
def test_m3_a_restore_to_the_end_does_not_end_before_a_gap(
    pg: Ground, copy: Copy, told: Told
) -> None:
    place = copy(pg)
    assert ask(place, "restore", "--plan").code == 0
    lost = damage.lose_middle(pg.logs(place))
    told(ask(place, "restore", "--lab", "never"), f"{lost.name[:24]} missing")
    assert ask(place, "drill").code != 0


@pytest.mark.case("M4")
def test_m4_a_time_behind_a_gap_is_refused(pg: Ground, copy: Copy, told: Told) -> None:
    place = copy(pg)
    assert ask(place, "restore", "--plan", "--to", pg.before_last).code == 0
    damage.lose_middle(pg.logs(place))
    told(ask(place, "restore", "--lab", "never", "--to", pg.before_last), "outside what is proven")


@pytest.mark.case("M5")
def test_m5_where_there_is_nothing_nothing_is_verified(tmp_path: Path, told: Told) -> None:
    assert ask(tmp_path / "none", "verify").code != 0
    must(tmp_path / "empty", "init")
    told(ask(tmp_path / "empty", "verify"), "0 of 0 backups")


@pytest.mark.case("M6")
@pytest.mark.parametrize("command", ["exit 126", "exit 127", "kill -9 $$"])
def test_m6_an_archiver_that_the_server_does_not_count_as_failed_is_told(
    pg: Ground, command: str, told: Told
) -> None:
    ours = f"{command} # backup archive push %p --repository {pg.place}"
    psql(pg.lab, f"ALTER SYSTEM SET archive_command = '{ours}'")
    psql(pg.lab, "SELECT pg_reload_conf()")
    psql(pg.lab, "SELECT pg_stat_reset_shared('archiver')")
    status = ("archive", "status", "-t", pg.lab.url(), "--behind", "0.1")
    eventually(lambda: "which is not counted" in ask(pg.place, *status).text, SOON_S)
    told(ask(pg.place, *status), "which is not counted")
    assert psql(pg.lab, "SELECT failed_count FROM pg_stat_archiver") == "0"


@pytest.mark.case("M9")
def test_m9_a_page_that_is_broken_on_the_server_is_told(pg: Ground, copy: Copy, told: Told) -> None:
    place = copy(pg)
    psql(pg.lab, "CREATE TABLE broken AS SELECT * FROM big")
    specimens.break_a_page(pg.lab, "broken")
    path = psql(pg.lab, "SELECT pg_relation_filepath('broken')")
    try:
        told(ask(place, "take", "-t", pg.lab.url()), path)
        assert [each.state for each in repository.opened(str(place)).backups()][-1] == "failed"
    finally:
        psql(pg.lab, "DROP TABLE broken")


@pytest.mark.case("M9")
def test_m9_a_page_of_innodb_that_is_broken_on_the_server_is_told(
    my: Ground, copy: Copy, told: Told
) -> None:
    place = copy(my)
    mariadb(my.lab, "CREATE TABLE broken AS SELECT * FROM big")
    specimens.settle(my.lab)
    flip(my.lab.data / "trading" / "broken.ibd", 70000)
    try:
        told(ask(place, "take", "-t", my.lab.url()), "broken.ibd")
        assert [each.state for each in repository.opened(str(place)).backups()][-1] == "failed"
    finally:
        mariadb(my.lab, "DROP TABLE broken")


@pytest.mark.case("M10")
def test_m10_a_broken_link_is_told_before_it_is_combined(
    pg: Ground, copy: Copy, told: Told
) -> None:
    place = copy(pg)
    full, second, *_ = pg.backups(place)
    damage.overwrite(pg.stream(place, full), count=1)
    told(ask(place, "verify"), full.id)
    assert ask(place, "restore", "--plan", "--from", second.id, "--to", "backup").code != 0


@pytest.mark.case("M11")
def test_m11_a_link_that_is_missing_is_told(pg: Ground, copy: Copy, told: Told) -> None:
    place = copy(pg)
    _, second, third, *_ = pg.backups(place)
    shutil.rmtree(place / "backups" / second.system / second.id)
    told(ask(place, "verify"), f"builds upon {second.id}", third.id)
    assert ask(place, "restore", "--plan", "--from", third.id).code != 0


@pytest.mark.case("M12")
def test_m12_a_byte_that_changed_in_the_files_of_mariadb_is_told(
    my: Ground, copy: Copy, told: Told
) -> None:
    place = copy(my)
    assert ask(place, "verify").code == 0
    path = my.stream(place, my.backups(place)[0])
    damage.overwrite(path, count=1)
    told(ask(place, "verify"), path.name, my.backups(place)[0].id)


@pytest.mark.case("M15")
def test_m15_a_piece_that_is_missing_from_a_dump_is_told(
    my: Ground, copy: Copy, told: Told
) -> None:
    place = copy(my)
    dump = my.backups(place)[-1]
    path = my.stream(place, dump)
    damage.lose_rows(path, "big")
    told(ask(place, "verify"), path.name, dump.id)


@pytest.mark.case("M16")
def test_m16_a_dump_that_was_killed_is_no_backup(my: Ground, copy: Copy, told: Told) -> None:
    place = copy(my)
    before = {each.id for each in repository.opened(str(place)).backups()}
    words = [sys.executable, "-c", KILLED, my.lab.url(), str(place)]
    subprocess.run(words, capture_output=True, timeout=SOON_S, check=False)
    (left,) = [each for each in repository.opened(str(place)).backups() if each.id not in before]
    assert left.manifest is None
    told(ask(place, "verify"), "interrupted", left.id)


@pytest.mark.case("M19")
def test_m19_a_dump_of_two_moments_is_refused(my: Ground, copy: Copy, told: Told) -> None:
    place = copy(my)
    damage.make_mixed(my.lab)
    try:
        told(ask(place, "take", "-t", my.lab.url(), "--logical"), "trading.zz")
    finally:
        mariadb(my.lab, f"DROP TABLE {', '.join(damage.MIXED)}")


@pytest.mark.case("M20")
def test_m20_a_binary_log_that_is_missing_in_the_middle_is_told(
    my: Ground, copy: Copy, told: Told
) -> None:
    place = copy(my)
    assert ask(place, "windows").code == 0
    assert ask(place, "restore", "--plan").code == 0
    lost = damage.lose_middle(my.logs(place))
    next(lost.parent.glob(f"{'.'.join(lost.name.split('.')[:2])}.*.json")).unlink()
    told(ask(place, "windows"), f"{'.'.join(lost.name.split('.')[:2])} missing")
    assert ask(place, "restore", "--lab", "never").code != 0


# As if the engine's own tool had written it so: what is stored is damaged, and the manifest fits.


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A repository with nothing in it."""
    must(tmp_path / "repository", "init")
    yield tmp_path / "repository"
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.fixture
def summaries(market: Target) -> Iterator[None]:
    """Have the server tell what changed since the last backup."""
    with connect(market) as server:
        if server.engine == "postgresql":
            server.execute("ALTER SYSTEM SET summarize_wal = on")
            reloading.reload(server)
        yield
        if server.engine == "postgresql":
            server.execute("ALTER SYSTEM RESET summarize_wal")
            reloading.reload(server)


def taken(place: Path, target: Target, *words: str) -> Manifest:
    """Take a backup that is stored as it came, and return what it says."""
    must(place, "take", "-t", target.url, "--compress", "none", *words)
    said = repository.opened(str(place)).backup("latest").manifest
    assert said is not None
    return said


def rewritten(place: Path, said: Manifest, change: Callable[[Path], None]) -> None:
    """Have `change` damage what is stored of the rows, and the manifest be none the wiser."""
    folder = place / "backups" / said.system / said.id
    path = max(folder.iterdir(), key=lambda each: each.stat().st_size)
    change(path)
    digest, size = hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size
    files = [
        replace(each, sha256=digest, stored_bytes=size, raw_bytes=size)
        if each.name == path.name
        else each
        for each in said.files
    ]
    (folder / manifest.NAME).write_bytes(replace(said, files=files).as_bytes())
    assert ask(place, "verify", said.id).code == 0


def repacked(damaging: Callable[[Path], None]) -> Callable[[Path], None]:
    """Return what unpacks a stream of mariadb-backup, has it damaged, and packs it again."""

    def change(path: Path) -> None:
        with tempfile.TemporaryDirectory() as folder:
            with path.open("rb") as stream:
                subprocess.run(["mbstream", "-x", "-C", folder], stdin=stream, check=True)
            damaging(Path(folder))
            names = [str(each.relative_to(folder)) for each in Path(folder).rglob("*")]
            names = [name for name in names if (Path(folder) / name).is_file()]
            with path.open("wb") as stream:
                subprocess.run(["mbstream", "-c", *names], cwd=folder, stdout=stream, check=True)

    return change


def in_tar(path: Path, ending: str) -> None:
    """Change a byte in the middle of the member of a tar archive whose name ends so."""
    with tarfile.open(path) as archived:
        member = next(each for each in archived.getmembers() if each.name.endswith(ending))
    flip(path, member.offset_data + member.size // 2)


@contextmanager
def receiving(place: Path, target: Target) -> Iterator[None]:
    """Have the log of the server received for the length of the block, and for a moment before."""
    command = [sys.executable, "-m", "stockops", "backup", "archive", "run"]
    command += ["-t", target.url, "--repository", str(place)]
    receiver = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: [path for path in place.glob("spool/*/**/*") if path.is_file()], SOON_S)
        yield
    finally:
        receiver.terminate()
        receiver.wait(SOON_S)


@pytest.mark.soak
@pytest.mark.case("M3", engine="postgresql")
@pytest.mark.case("M20", engine="mariadb")
def test_a_server_that_is_led_over_a_gap_does_not_come_up(
    market: Target, place: Path, record_property: Callable[[str, object], None]
) -> None:
    """Nothing refuses it before: the piece is gone when the restore was planned already."""
    with receiving(place, market):
        must(place, "take", "-t", market.url)
        repo = repository.opened(str(place))
        with connect(market) as server:
            for number in range(PIECES):
                now = "now()" if server.engine == "postgresql" else "utc_timestamp(6)"
                server.execute(f"INSERT INTO heartbeats VALUES ('gap-{number}', 1, {now})")
                if server.engine == "postgresql":
                    server.rows("SELECT pg_switch_wal()::text AS it")
                else:
                    server.execute("FLUSH BINARY LOGS")
        eventually(lambda: len(archive.logs(repo, repo.one_system())) >= PIECES, SOON_S)
    recovery = restoring.plan(repo, restoring.Aim("end"), system=repo.one_system())
    middle = len(recovery.logs) // 2
    logs = [*recovery.logs[:middle], *recovery.logs[middle + 1 :]]
    drilled = drilling.drill(repo, replace(recovery, logs=logs))
    record_property("said", f"the drill did not pass: {' '.join(drilled.failure.split())}")
    assert not drilled.passed
    assert {
        "postgresql": "recovery ended before configured recovery target was reached",
        "mariadb": "there is a gap in the log",
    }[market.engine] in drilled.failure


@pytest.mark.soak
@pytest.mark.case("M10", engine="postgresql")
def test_m10_a_page_that_was_stored_broken_is_told_before_it_is_combined(
    market: Target, place: Path, summaries: None, told: Told
) -> None:
    if market.engine == "mariadb":
        pytest.skip("its links are applied, not combined")
    full = taken(place, market, "--full")
    with connect(market) as server:
        server.execute("UPDATE stocks SET name = name || ' ' WHERE symbol < '01'")
        path = server.rows("SELECT pg_relation_filepath('stocks') AS it")[0]["it"]
        server.execute("CHECKPOINT")
    taken(place, market, "--incremental")
    rewritten(place, full, lambda stream: in_tar(stream, path))
    told(ask(place, "drill", "--to", "backup"), path)


@pytest.mark.soak
@pytest.mark.case("M12", engine="mariadb")
def test_m12_a_page_that_was_stored_broken_is_told(
    market: Target, lab: Lab, place: Path, told: Told
) -> None:
    if market.engine == "postgresql":
        pytest.skip("of PostgreSQL M10 tells")
    specimens.settle(lab)
    table = f"{market.database}/stocks"
    rewritten(
        place,
        taken(place, market),
        repacked(lambda folder: damage.break_tablespace(folder, table)),
    )
    told(ask(place, "drill"), f"{table}.ibd")


@pytest.mark.soak
@pytest.mark.case("M13", engine="mariadb")
def test_m13_tablespaces_that_were_not_stored_are_told(
    market: Target, lab: Lab, place: Path, told: Told
) -> None:
    if market.engine == "postgresql":
        pytest.skip("pg_verifybackup tells it of PostgreSQL")
    specimens.settle(lab)
    tables = [f"{market.database}/{name}" for name in ("stocks", "users")]
    rewritten(
        place,
        taken(place, market),
        repacked(lambda folder: damage.lose_tablespaces(folder, tables)),
    )
    told(ask(place, "drill"), "stocks.ibd", "users.ibd")


@pytest.mark.soak
@pytest.mark.case("M15", engine="mariadb")
def test_m15_rows_that_were_not_dumped_are_told(market: Target, place: Path, told: Told) -> None:
    if market.engine == "postgresql":
        pytest.skip("pg_restore reads a dump of PostgreSQL by its table of contents")

    dump = taken(place, market, "--logical")
    rewritten(place, dump, lambda path: damage.lose_rows(path, "stock_prices"))
    told(ask(place, "drill"), "stock_prices: rows: expected")


# Nothing is wrong, and nothing may be said to be.


@dataclass(frozen=True, slots=True)
class Clean:
    """How a sound backup is taken: each of `takes` has the options of one more link."""

    takes: tuple[tuple[str, ...], ...] = ((),)
    sealed: bool = False
    load: bool = False
    log: bool = False


CHAIN = (("--full",), ("--incremental",), ("--incremental",))
CLEAN = {
    "full": Clean(),
    "full lz4": Clean((("--compress", "lz4"),)),
    "full stored as it came": Clean((("--compress", "none"),)),
    "full encrypted": Clean(sealed=True),
    "chain": Clean(CHAIN),
    "dump": Clean((("--logical",),)),
    "dump encrypted": Clean((("--logical", "--compress", "lz4"),), sealed=True),
    "dump under load": Clean((("--logical",),), load=True),
    "full and log under load": Clean(load=True, log=True),
    "chain and log under load": Clean(CHAIN, load=True, log=True),
}


@pytest.mark.soak
@pytest.mark.clean
@pytest.mark.parametrize("how", CLEAN.values(), ids=CLEAN)
def test_what_is_sound_raises_no_alarm(
    market: Target, place: Path, tmp_path: Path, summaries: None, how: Clean
) -> None:
    opens: list[str] = []
    seals: list[str] = []
    if how.sealed:
        identity = pyrage.x25519.Identity.generate()
        (tmp_path / "key").write_text(f"{identity}\n")
        (tmp_path / "key").chmod(0o600)
        seals, opens = ["--recipient", str(identity.to_public())], ["--identity", f"{tmp_path}/key"]
    with ExitStack() as stack:
        if how.log:
            stack.enter_context(receiving(place, market))
        if how.load:
            stack.enter_context(trading(market, tmp_path))
        for words in how.takes:
            must(place, "take", "-t", market.url, *words, *seals)
        stack.close()
    for asked in (["list"], ["verify"], ["verify"], ["show", "latest"]):
        must(place, *asked)
    if not any("--logical" in words for words in how.takes):
        must(place, "windows")
        must(place, "restore", "--plan", *opens)
    proven = must(place, "drill", *opens)
    assert "FAILED" not in proven
    assert repository.opened(str(place)).backup("latest").state == "verified"
