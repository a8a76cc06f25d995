"""Data outside the data directory, and servers that stockops did not make."""

import json
import re
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from conftest import Labs

from stockops import lab as labs
from stockops import migrations
from stockops.backups import archive, drilling, repository, restoring, taking
from stockops.backups.archive import spool
from stockops.backups.repository import Repository
from stockops.cli import main
from stockops.engine import ENGINES, connect
from stockops.engine.base import Server
from stockops.errors import Refused
from stockops.lab import Fill, Lab
from stockops.lab import account as accounts
from stockops.lab.account import Account
from stockops.plan import Consent
from stockops.targets import Target

SETUP_S = 60.0
BOSS = "Boss of it"
BACKUP = restoring.Aim("backup")
GUESTS = {
    "postgresql": "SELECT rolname FROM pg_roles WHERE rolname LIKE 'stockops_guest%%'",
    "mariadb": "SELECT user FROM mysql.user WHERE user LIKE 'stockops_guest%%'",
}


@dataclass(frozen=True, slots=True)
class Stranger:
    """A server with a superuser of another name, and a table in a directory of its own."""

    lab: Lab
    target: Target
    far: Path
    repo: Repository

    def restore(self, *words: str) -> Result:
        common = ["backup", "restore", "--repository", self.repo.store.place, "--to", "backup"]
        return CliRunner().invoke(main, [*common, *words])

    def rows(self, url: str) -> list[int]:
        with connect(url) as server:
            return [int(row["n"]) for row in server.rows("SELECT n FROM far ORDER BY n")]


def made_by_hand(lab: Lab, account: Account) -> Mapping[str, str]:
    """Initialise a data directory as somebody would without stockops."""
    if lab.engine == "mariadb":
        argv = ["mariadb-install-db", "--no-defaults", f"--datadir={lab.data}", "--skip-test-db"]
        settings = {}
    else:
        argv = [str(lab.programs / "initdb"), "-D", str(lab.data), "-U", BOSS, "-A", "trust"]
        settings = {"summarize_wal": "on", "allow_in_place_tablespaces": "on"}
        settings["wal_keep_size"] = "1GB"  # nothing archives it
    subprocess.run(
        argv, check=True, capture_output=True, timeout=SETUP_S, cwd=lab.directory, **account.switch
    )
    return settings


@pytest.fixture(scope="module", params=sorted(ENGINES))
def stranger(
    request: pytest.FixtureRequest, all_labs: Labs, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stranger]:
    engine = request.param
    all_labs.get(engine)  # skips where the engine is not there
    fill = Fill(made_by_hand, owner=BOSS if engine == "postgresql" else None)
    lab = labs.adopt(f"elsewhere-{secrets.token_hex(4)}", engine=engine, fill=fill)
    try:
        far = lab.directory / "far away=here"
        far.mkdir()
        accounts.choose(labs.ENGINES[engine].usual_account).own(far)
        with connect(lab.url("postgres" if engine == "postgresql" else "mysql")) as server:
            server.execute("CREATE DATABASE trading")
        target = Target(name="stranger", url=lab.url(), lab=lab.name)
        migrations.up(target)
        repo = repository.make(str(tmp_path_factory.mktemp("far") / "repository"))
        with connect(target) as server:
            make_far(server, far)
            taking.take(repo, target, taking.Request())
            server.execute("INSERT INTO far VALUES (3)")
            taking.take(repo, target, taking.Request(kind="incremental"))
        yield Stranger(lab, target, far, repo)
    finally:
        labs.destroy(lab.name)


def make_far(server: Server, far: Path) -> None:
    """Make tables outside the data directory; PostgreSQL also knows a tablespace that is inside."""
    if server.engine == "postgresql":
        server.execute(f"CREATE TABLESPACE far LOCATION '{far}'")
        server.execute("CREATE TABLESPACE near LOCATION ''")
        server.execute("CREATE TABLE far (n integer PRIMARY KEY) TABLESPACE far")
        server.execute("CREATE TABLE near (n integer) TABLESPACE near")
    else:
        server.execute(f"CREATE TABLE far (n integer PRIMARY KEY) DATA DIRECTORY='{far}'")
    server.execute("INSERT INTO far VALUES (1), (2)")


def test_what_lies_outside_comes_back_elsewhere(stranger: Stranger) -> None:
    first, last = stranger.repo.backups()
    assert last.manifest
    assert str(stranger.far) in "".join(link.path for link in last.manifest.links)
    recovery = restoring.plan(stranger.repo, BACKUP, system=last.system, start=first)
    phases = restoring.Phases()
    fill = restoring.filling(stranger.repo, recovery, identities=(), phases=phases)
    with labs.temporary(stranger.lab.engine, fill=fill) as copy:
        restoring.finish(copy, recovery, phases=phases)
        assert stranger.rows(copy.url()) == [1, 2]
        with connect(copy.url()) as server:
            server.execute("INSERT INTO far VALUES (99)")
        assert stranger.rows(stranger.target.url) == [1, 2, 3]
    recovery = restoring.plan(stranger.repo, BACKUP, system=last.system, start=last)
    drilled = drilling.drill(stranger.repo, recovery)
    assert drilled.passed, drilled.failure or drilled.summary


def test_a_database_without_books_is_proven_but_for_them(
    stranger: Stranger, tmp_path: Path
) -> None:
    if stranger.lab.engine == "mariadb":
        pytest.skip("what tells one MariaDB from another is a row of the schema")
    with connect(stranger.target) as server:
        server.execute("CREATE DATABASE plain")
    target = replace(stranger.target, url=stranger.lab.url("plain"))
    with connect(target) as server:
        server.execute("CREATE TABLE plain (n integer PRIMARY KEY)")
        server.execute("INSERT INTO plain VALUES (1)")
    repo = repository.make(str(tmp_path / "repository"))
    said = taking.take(repo, target, taking.Request())
    drilled = drilling.drill(repo, restoring.plan(repo, BACKUP, system=said.system))
    assert drilled.passed, drilled.failure or drilled.summary
    assert {level.name: level.passed for level in drilled.levels}["L4"] is None


def test_a_server_gets_its_data_back_in_place_and_the_old_ones_stay(stranger: Stranger) -> None:
    words = ["--lab", stranger.lab.name, "--in-place"]
    with connect(stranger.target) as server:
        server.execute("DELETE FROM far WHERE n < 99")
    up = stranger.restore(*words, "--yes")
    assert (up.exit_code, "is up" in up.stderr) == (5, True), up.output
    labs.down(stranger.lab.name)
    assert stranger.restore(*words).exit_code == 5
    done = stranger.restore(*words, "--yes", "--format", "json")
    assert done.exit_code == 0, done.output
    kept = Path(json.loads(done.stdout)["kept"])
    assert stranger.rows(labs.up(stranger.lab.name).url()) == [1, 2, 3]
    labs.down(stranger.lab.name)
    data = stranger.lab.data
    again = stranger.restore("--directory", str(kept), "--to", "end")
    assert (again.exit_code, "is not empty" in again.stderr) == (5, True), again.output
    shutil.rmtree(data)
    kept.rename(data)
    assert stranger.rows(labs.up(stranger.lab.name).url()) == []


def test_the_data_of_a_protected_target_are_replaced_only_where_it_is_named(
    stranger: Stranger, tmp_path: Path
) -> None:
    """By its lab, to which the target leads by an address, and by the directory itself."""
    lab, file = stranger.lab, tmp_path / "stockops.yaml"
    labs.down(lab.name)
    for name, place in (
        ("prod", ["--lab", lab.name]),
        (stranger.target.name, ["--directory", str(lab.data)]),
    ):
        url = lab.url("another")
        file.write_text(f"targets: {{'{name}': {{url: '{url}', protected: true}}}}\n", "utf-8")
        words = ["--in-place", "--to", "backup", "--config", str(file), "--yes"]
        said = stranger.restore(*place, *words)
        assert (said.exit_code, "on the protected target" in said.output) == (5, True), said.output
        meant = lab.name if "--lab" in place else name
        assert f"--i-mean {meant}" in said.output
    assert not list(lab.directory.glob("data.before-*"))


def test_a_directory_gets_the_data_and_nothing_of_a_lab(stranger: Stranger) -> None:
    with tempfile.TemporaryDirectory(dir=stranger.lab.directory.parent.parent) as parent:
        Path(parent).chmod(0o755)
        place = Path(parent) / "data"
        place.mkdir()
        done = stranger.restore("--directory", str(place))
        assert done.exit_code == 0, done.output
        assert [path.name for path in sorted(Path(parent).iterdir())][:1] == ["data"]
        said = b"".join(path.read_bytes() for path in place.glob("*.conf"))
        assert b"recovery_target" not in said
        with labs.temporary(stranger.lab.engine, fill=moved(place, stranger)) as found:
            assert stranger.rows(found.url()) == [1, 2, 3]
            with connect(found.url()) as server:
                assert server.rows(GUESTS[found.engine]) == []
            within = stranger.restore("--directory", str(found.data / "new"))
    assert within.exit_code == 5
    assert "a server's data directory" in within.output
    kept = stranger.restore("--directory", f"{stranger.repo.store.place}/new")
    assert kept.exit_code == 5
    assert "lies in the repository" in kept.output


def test_what_a_stopped_server_logged_last_is_taken_along(stranger: Stranger) -> None:
    lab, words = stranger.lab, ["--lab", stranger.lab.name, "--in-place", "--to", "end"]
    with connect(labs.up(lab.name).url()) as server:
        taking.take(stranger.repo, stranger.target, taking.Request())
        server.execute("INSERT INTO far VALUES (7)")
    labs.down(lab.name)
    plan = stranger.restore(*words, "--plan")
    assert "of the stopped server" in plan.output, plan.output
    done = stranger.restore(*words, "--yes", "--format", "json")
    assert done.exit_code == 0, done.output
    shutil.rmtree(json.loads(done.stdout)["kept"])
    with connect(labs.up(lab.name).url()) as server:
        assert [int(row["n"]) for row in server.rows("SELECT n FROM far ORDER BY n")][-1] == 7
        server.execute("INSERT INTO far VALUES (8)")
    with labs.temporary(lab.engine) as copy:
        recovery = restoring.plan(
            stranger.repo, restoring.Aim("end"), system=stranger.repo.one_system(None)
        )
        assert recovery.logs, "what nothing else holds is kept"
        # What waits here already is not the server's alone any more: a receiver may clear its copy.
        waiting = spool.tails(stranger.repo, recovery.last.system)
        there = [replace(log, spooled=copy.data) for log in waiting]
        assert spool.tails(stranger.repo, recovery.last.system, more=there) == waiting
        assert archive.stopped(stranger.repo, copy.data, system=recovery.last.system) is None
    labs.down(lab.name)
    # Nothing was archived of what began with the restore: the end of the log is not its end.
    lost = stranger.restore(*words, "--yes")
    assert (lost.exit_code, "would be lost" in lost.stderr) == (5, True), lost.output
    moment = lost.stderr.rpartition("--to ")[2].strip()
    said = stranger.restore("--lab", lab.name, "--in-place", "--to", moment, "--plan")
    assert said.exit_code == 0, said.output
    assert stranger.rows(labs.up(lab.name).url())[-1] == 8


def test_a_server_that_ran_meanwhile_is_not_replaced(stranger: Stranger) -> None:
    lab, system = stranger.lab, stranger.repo.one_system(None)
    taking.take(stranger.repo, stranger.target, taking.Request())
    labs.down(lab.name)
    place = restoring.of_lab(lab.name, protected=False, consent=Consent(yes=True))
    recovery = restoring.plan_in_place(
        stranger.repo, restoring.Aim("end"), place.directory, system=system
    )

    def start(phase: str) -> None:
        if phase == "fetch":
            with connect(labs.up(lab.name).url()) as server:
                server.execute("INSERT INTO far VALUES (9)")
            labs.down(lab.name)

    with pytest.raises(Refused, match="started meanwhile"):
        restoring.into(stranger.repo, recovery, place, phases=restoring.Phases(seen=start))
    assert stranger.rows(labs.up(lab.name).url())[-1] == 9


def test_a_stopped_server_whose_log_is_gone_is_not_replaced(stranger: Stranger) -> None:
    words = ["--lab", stranger.lab.name, "--in-place", "--to", "end", "--yes"]
    labs.down(stranger.lab.name)
    place = stranger.lab.data / ("pg_wal" if stranger.lab.engine == "postgresql" else "")
    for path in place.iterdir():
        if path.is_file() and re.fullmatch(r"[0-9A-F]{24}|binlog\.\d+", path.name):
            path.unlink()
    lost = stranger.restore(*words)
    assert (lost.exit_code, "would be lost" in lost.stderr) == (5, True), lost.output
    assert (stranger.lab.data / "global").is_dir() or (stranger.lab.data / "ibdata1").is_file()
    if place != stranger.lab.data:
        place.rename(place.with_name("elsewhere"))
        gone = stranger.restore(*words)
        assert (gone.exit_code, "cannot be read" in gone.stderr) == (1, True), gone.output
    plan = stranger.restore(*words[:3], "--to", "backup", "--plan")
    assert plan.exit_code == 0, plan.output


def moved(place: Path, stranger: Stranger) -> Fill:
    """Start on the data in `place` as they are there."""

    def put(lab: Lab, account: Account) -> Mapping[str, str]:
        del account
        lab.data.rmdir()
        place.rename(lab.data)
        return {"allow_in_place_tablespaces": "on"} if lab.engine == "postgresql" else {}

    return Fill(put, owner=BOSS if stranger.lab.engine == "postgresql" else "visitor")
