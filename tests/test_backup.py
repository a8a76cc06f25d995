"""Backups are whole or not there, and what is whole comes back."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyrage
import pytest
from click.testing import CliRunner
from conftest import Labs, eventually
from manifests import LAST, add

from stockops import lab as labs
from stockops import migrations
from stockops.backups import (
    drilling,
    keys,
    manifest,
    proving,
    repository,
    restoring,
    streams,
    taking,
    verifying,
)
from stockops.backups.repository import Repository
from stockops.cli import backupview, main
from stockops.engine import connect
from stockops.errors import Busy, ConfigError, Refused, StockopsError, StorageError
from stockops.lab import Lab
from stockops.targets import Target

SOON_S = 60.0


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return repository.make(str(tmp_path / "repository"))


def files(repo: Repository) -> list[str]:
    return [entry.name for entry in repo.store.entries("backups")]


def folder(repo: Repository, said: manifest.Manifest) -> Path:
    return Path(repo.store.place) / "backups" / said.system / said.id


def stream(repo: Repository, said: manifest.Manifest) -> Path:
    return folder(repo, said) / next(f.name for f in said.files if f.name.startswith("base."))


def orders_in(url: str) -> int:
    with connect(url) as server:
        return int(server.rows("SELECT count(*) AS n FROM orders")[0]["n"])


def test_a_backup_comes_back_with_every_row(market: Target, repo: Repository) -> None:
    said = taking.take(repo, market, taking.Request(label="first"))
    assert said.members
    assert {file.name for file in said.files} >= {taking.LOG}
    assert [each.state for each in repo.backups()] == ["complete"]
    recovery = restoring.plan(repo, restoring.Aim("backup"), system=said.system)
    drilled = drilling.drill(repo, recovery)
    assert drilled.passed, drilled.summary
    assert [level.name for level in drilled.levels] == ["L0", "L1", "L2", "L3", "L4"]
    assert all(level.passed is not False for level in drilled.levels)
    assert drilled.levels[0].looked_at == len(said.members)
    assert drilled.levels[1].looked_at > 1000
    assert drilled.rto_s > 0
    [found] = repo.backups()
    assert found.state == "verified"
    assert repo.backup("first").id == said.id


def test_what_the_server_keeps_of_its_own_tables_is_in_their_files(
    market: Target, repo: Repository, all_labs: Labs, tmp_path: Path
) -> None:
    """Else a checkpoint of Aria between the files and its log makes the copy a broken one."""
    if market.engine != "mariadb":
        pytest.skip("PostgreSQL keeps its catalog as it keeps all tables")
    with connect(market) as server:
        for number in range(50):
            server.execute(f"CREATE PROCEDURE not_on_disk_yet_{number}() SELECT 1")
    said = taking.take(repo, market, taking.Request())
    unpack = f"zstd -dc {stream(repo, said)} | mbstream -x -C {tmp_path}"
    subprocess.run(["sh", "-c", unpack], check=True)
    for name in ("proc.MAI", "proc.MAD"):
        there = all_labs.get("mariadb").data / "mysql" / name
        assert (tmp_path / "mysql" / name).read_bytes() == there.read_bytes()


def test_an_encrypted_backup_is_read_by_its_key_alone(
    market: Target, repo: Repository, tmp_path: Path
) -> None:
    identity = pyrage.x25519.Identity.generate()
    key = tmp_path / "key"
    key.write_text(f"# a comment\n{identity}\n")
    key.chmod(0o640)
    form = streams.Form(recipients=keys.recipients([str(identity.to_public())]))
    said = taking.take(repo, market, taking.Request(form=form))
    recovery = restoring.plan(repo, restoring.Aim("backup"), system=said.system)
    with pytest.raises(ConfigError, match="there is no key to read it"):
        drilling.drill(repo, recovery)
    other = tmp_path / "other"
    other.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    other.chmod(0o600)
    with pytest.raises(ConfigError, match="none of the keys opens"):
        drilling.drill(repo, recovery, identities=keys.identities([other]))
    with pytest.raises(ConfigError, match="there is no"):
        drilling.drill(repo, recovery, bin_directory=tmp_path)
    assert [each.state for each in repo.backups()] == ["complete"]  # it is not the backup's fault
    assert b"accounts" not in stream(repo, said).read_bytes()
    drilled = drilling.drill(repo, recovery, identities=keys.identities([key]))
    assert drilled.passed, drilled.summary


def test_a_key_of_gpg_is_said_not_to_be_taken() -> None:
    with pytest.raises(ConfigError) as caught:
        keys.recipients(["0xABCDEF0123456789"])
    assert "begins with age1 or ssh-" in str(caught.value.hint)
    assert "Keys of GPG are not taken" in str(caught.value.hint)


def test_a_secret_key_that_is_named_as_a_recipient_is_not_shown(tmp_path: Path) -> None:
    secret, file = str(pyrage.x25519.Identity.generate()), tmp_path / "key"
    file.write_text(f"# a comment\n{secret}\n")
    for given in (secret, secret.lower(), str(file)):
        with pytest.raises(ConfigError, match="holds a secret key") as caught:
            keys.recipients([given])
        assert secret[20:40].lower() not in f"{caught.value} {caught.value.hint}".lower()
    file.write_text("a password, for all we know\n")
    with pytest.raises(ConfigError, match=r"^key 1 in '.*' is not a public key of age"):
        keys.recipients([str(file)])


@pytest.mark.parametrize("armored", [False, True], ids=["as bytes", "as text"])
def test_a_key_that_a_passphrase_locks_says_how_it_is_opened(tmp_path: Path, armored: bool) -> None:
    secret, file = str(pyrage.x25519.Identity.generate()), tmp_path / "key"
    file.write_bytes(pyrage.passphrase.encrypt(secret.encode(), "word", armored=armored))
    with pytest.raises(ConfigError, match="locked by a passphrase") as caught:
        keys.identities([file])
    assert "--identity <(age -d " in str(caught.value.hint)


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o644], ids="{:o}".format)
def test_a_key_that_everybody_can_read_is_no_secret(tmp_path: Path, mode: int) -> None:
    key = tmp_path / "a key"
    key.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    key.chmod(mode)
    with pytest.raises(ConfigError, match="everybody can read or write the identity") as caught:
        keys.identities([key])
    assert f"chmod 600 '{key}'" in str(caught.value.hint)
    key.chmod(0o640)  # a group, as that of a cron job
    assert len(keys.identities([key])) == 1


def test_a_key_may_come_through_a_pipe(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a shell: --identity <(age -d key.age)."""
    add(repo, LAST)
    ends = os.pipe()
    os.write(ends[1], f"{pyrage.x25519.Identity.generate()}\n".encode())
    os.close(ends[1])
    monkeypatch.setenv("STOCKOPS_REPOSITORY", repo.store.place)
    words = ["backup", "restore", "--to", "backup", "--plan", "--identity", f"/dev/fd/{ends[0]}"]
    said = CliRunner().invoke(main, words)
    os.close(ends[0])
    assert said.exit_code == 0, said.output


def test_a_key_inside_the_repository_is_refused(
    market: Target, repo: Repository, tmp_path: Path
) -> None:
    identity = pyrage.x25519.Identity.generate()
    inside = Path(repo.store.place) / "key.txt"
    inside.write_text(f"{identity}\n")
    inside.chmod(0o600)
    with pytest.raises(Refused, match="holds a secret key"):
        taking.take(repo, market, taking.Request())
    with pytest.raises(Refused, match="lies inside the repository"):
        keys.require_outside(keys.identities([inside]), Path(repo.store.place))


def test_damage_is_found_by_verify_and_by_a_drill(
    market: Target, repo: Repository, tmp_path: Path
) -> None:
    said = taking.take(repo, market, taking.Request())
    [good] = verifying.verify(repo, repo.backups())
    assert good.passed
    assert good.read_bytes == said.stored_bytes
    [again] = verifying.verify(repo, repo.backups())
    assert again.passed
    assert again.read_bytes == 0
    for damage in ("one byte", "cut off", "gone"):
        copy = repository.opened(str(shutil.copytree(repo.store.place, tmp_path / damage)))
        recovery = restoring.plan(copy, restoring.Aim("backup"), system=said.system)
        path = stream(copy, said)
        if damage == "one byte":
            content = bytearray(path.read_bytes())
            content[len(content) // 2] ^= 1
            path.write_bytes(content)
        elif damage == "cut off":
            os.truncate(path, path.stat().st_size - 1)
        else:
            path.unlink()
        [bad] = verifying.verify(copy, copy.backups())
        assert not bad.passed, damage
        assert [each.state for each in copy.backups()] == ["broken"]
        drilled = drilling.drill(copy, recovery)
        assert not drilled.passed, damage
        assert drilled.failure
        with pytest.raises(Refused):
            restoring.plan(copy, restoring.Aim("backup"), system=said.system)


def test_a_manifest_that_was_touched_is_not_believed(market: Target, repo: Repository) -> None:
    said = taking.take(repo, market, taking.Request())
    path = folder(repo, said) / manifest.NAME
    path.write_text(path.read_text().replace(said.host, "elsewhere"))
    [found] = repo.backups()
    assert found.state == "broken"
    assert "its checksum is another one" in found.note
    with pytest.raises(StockopsError):
        restoring.plan(repo, restoring.Aim("backup"), system=said.system)


def test_a_second_run_meanwhile_is_busy(market: Target, repo: Repository) -> None:
    said = taking.take(repo, market, taking.Request())
    with repo.held(said.system), pytest.raises(Busy):
        taking.take(repo, market, taking.Request())


@pytest.mark.case("M7", "M8", engine="postgresql")
@pytest.mark.case("M14", engine="mariadb")
def test_a_backup_that_is_killed_leaves_nothing_that_looks_like_one(
    market: Target, repo: Repository, tmp_path: Path
) -> None:
    """The tool is killed as it writes; its children go with it, and the next run cleans up."""
    running = subprocess.Popen(
        [sys.executable, "-m", "stockops", "backup", "take", "-t", market.url],
        env={**os.environ, "STOCKOPS_REPOSITORY": repo.store.place},
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    root = Path(repo.store.place)
    eventually(lambda: list(root.rglob(".base.*unfinished")), within_s=SOON_S)
    running.send_signal(signal.SIGKILL)
    running.wait(SOON_S)
    assert [each.target for each in repo.backups()] in ([market.url], [])
    # A child that was just forked holds the lock until it is the program it was started for.
    eventually(lambda: [each.state for each in repo.backups()] in (["incomplete"], []))
    with connect(market) as server:
        source = taking.SOURCES[market.engine]
        eventually(lambda: source.left_behind(server) == [], within_s=SOON_S)
    said = taking.take(repo, replace(market, name="mine"), taking.Request())
    listing = ["backup", "list", "--repository", repo.store.place]
    [line] = CliRunner().invoke(main, listing).stdout.splitlines()[2:]
    assert line.split()[:3] == [said.id, "mine", "complete"]
    [left] = json.loads(CliRunner().invoke(main, [*listing, "--format", "json"]).stdout)
    assert (left["id"], left["target"]) == (said.id, "mine")


def test_who_may_not_take_it_is_told_before_it_begins(market: Target, repo: Repository) -> None:
    lacks: dict[manifest.Method, str] = {"physical": "RELOAD on the server"}
    with connect(market) as server:
        if market.engine == "postgresql":
            server.execute("CREATE ROLE weak LOGIN")
            lacks = {"physical": "REPLICATION on the server", "logical": "SELECT on public."}
        else:
            server.execute("CREATE USER weak@localhost")
            server.execute("GRANT SELECT, PROCESS ON *.* TO weak@localhost")
    weak = replace(market, url=market.url.replace("stockops@", "weak@"))
    try:
        for method, said in lacks.items():
            for ask in (taking.steps, taking.take):
                with pytest.raises(Refused, match=f"it lacks {said}"):
                    ask(repo, weak, taking.Request(method=method))
        assert repo.backups() == []
    finally:
        with connect(market) as server:
            drop = "DROP ROLE weak" if market.engine == "postgresql" else "DROP USER weak@localhost"
            server.execute(drop)


def test_a_role_that_is_not_active_is_named_and_gives_nothing(
    engine: str, market: Target, repo: Repository
) -> None:
    if engine == "postgresql":
        pytest.skip("what a role of PostgreSQL inherits is in force when it logs in")
    weak = replace(market, url=market.url.replace("stockops@", "weak@"))
    rights = "SELECT, SHOW VIEW, TRIGGER, EVENT"
    with connect(market) as server:
        for sql in (
            "CREATE USER weak@localhost",
            "CREATE ROLE bakers",
            "GRANT stockops_backup TO bakers",
            "GRANT bakers TO weak@localhost",
            f"GRANT {rights} ON {market.database}.* TO weak@localhost",
            "GRANT RELOAD, PROCESS ON *.* TO weak@localhost",
        ):
            server.execute(sql)
        try:
            with pytest.raises(Refused, match="lacks BINLOG MONITOR on the server") as caught:
                taking.steps(repo, weak, taking.Request())
            hint = "It has bakers, which is not active: SET DEFAULT ROLE bakers"
            assert hint in str(caught.value.hint)
            with pytest.raises(Refused, match="SELECT on mysql"):
                taking.steps(repo, weak, taking.Request(method="logical"))
            server.execute("SET DEFAULT ROLE bakers FOR weak@localhost")
            assert taking.steps(repo, weak, taking.Request())
            assert taking.steps(repo, weak, taking.Request(method="logical"))
        finally:
            server.execute("DROP ROLE bakers")
            server.execute("DROP USER weak@localhost")


def test_a_chain_comes_back_and_half_a_chain_does_not(
    engine: str, all_labs: Labs, repo: Repository, chained: "Chained"
) -> None:
    full, second, third = chained.take(repo)
    assert (second.parent, third.parent) == (full.id, second.id)
    recovery = restoring.plan(repo, restoring.Aim("backup"), system=full.system)
    assert [link.id for link in recovery.links] == [full.id, second.id, third.id]
    words = ["--repository", repo.store.place]
    listed = CliRunner().invoke(main, ["backup", "list", *words]).stdout.splitlines()[2:]
    assert [line.partition("2")[0] for line in listed] == ["", "+ ", "++ "]
    shown = CliRunner().invoke(main, ["backup", "show", second.id, *words]).stdout
    assert f"chain       {full.id} > {second.id}, 1 backup builds upon it" in shown
    assert f"windows     {second.ended_at[:19]}" in shown
    told = json.loads(
        CliRunner().invoke(main, ["backup", "show", full.id, *words, "--format", "json"]).stdout
    )
    assert (told["chain"], told["builds_upon_it"]) == ([full.id], [second.id])
    assert told["windows"]
    drilled = drilling.drill(repo, recovery)
    assert drilled.passed, drilled.summary
    shutil.rmtree(folder(repo, second))
    with pytest.raises(StorageError, match="builds upon"):
        restoring.plan(repo, restoring.Aim("backup"), system=full.system)
    bad = verifying.verify(repo, repo.backups())
    assert [each.passed for each in bad] == [True, False]


class Chained:
    """A lab of its own, whose changes can be told from one backup to the next."""

    def __init__(self, lab: Lab, target: Target) -> None:
        self.lab = lab
        self.target = target

    def take(self, repo: Repository) -> list[manifest.Manifest]:
        found = []
        for kind in ("full", "incremental", "incremental"):
            found.append(taking.take(repo, self.target, taking.Request(kind=kind)))
            with connect(self.target) as server:
                server.execute("UPDATE heartbeats SET beat_no = beat_no + 1")
        return found


@pytest.fixture
def chained(engine: str, all_labs: Labs) -> Iterator[Chained]:
    all_labs.get(engine)  # skips where the engine is not there
    settings = {"summarize_wal": "on"} if engine == "postgresql" else {}
    with labs.temporary(engine, settings=settings) as lab:
        target = Target(name="chained", url=lab.url(), lab=lab.name)
        migrations.up(target)
        with connect(target) as server:
            now = "now()" if engine == "postgresql" else "utc_timestamp(6)"
            server.execute(f"INSERT INTO heartbeats VALUES ('test', 1, {now})")
        yield Chained(lab, target)


@pytest.mark.parametrize(
    ("text", "engine", "said"),
    [
        ("end", "postgresql", "end"),
        ("2026-01-02T14:30:00+09:00", "mariadb", "2026-01-02 05:30:00 UTC"),
        ("before:lsn:0/3000028", "postgresql", "before lsn 0/3000028"),
        ("gtid:0-1-583", "mariadb", "gtid 0-1-583"),
        ("file:binlog.000003:4711", "mariadb", "file binlog.000003:4711"),
    ],
)
def test_a_moment_says_itself(text: str, engine: str, said: str) -> None:
    assert str(restoring.parse(text, engine=engine)) == said


@pytest.mark.parametrize(
    ("text", "engine"),
    [
        ("yesterday", "postgresql"),
        ("0001-01-01T00:00+09:00", "postgresql"),
        ("9999-12-31T23:59-09:00", "mariadb"),
        ("lsn:xyz", "postgresql"),
        ("gtid:0-1-5", "postgresql"),
        ("lsn:0/1", "mariadb"),
        ("before:end", "mariadb"),
        ("before:2026-01-01", "postgresql"),
    ],
)
def test_what_is_no_moment_is_refused(text: str, engine: str) -> None:
    with pytest.raises(ConfigError):
        restoring.parse(text, engine=engine)


@pytest.mark.parametrize("text", ["tomorrow", "0001-01-01T00:00+09:00", "9999-12-31T23:59-09:00"])
def test_what_is_no_time_is_refused_before_anything_is_read(text: str) -> None:
    ran = CliRunner().invoke(main, ["backup", "find", "--repository", "/none", "--since", text])
    assert (ran.exit_code, "is no time" in ran.output) == (2, True)


@pytest.mark.parametrize(
    ("text", "engine", "why"),
    [
        ("xid:7", "mariadb", "mariadb cannot go to xid 7: its binary log counts transactions"),
        ("name:here", "mariadb", "mariadb cannot go to name here: it has no restore points"),
        ("lsn:0/1", "mariadb", "mariadb cannot go to lsn 0/1: it is its binary log"),
        ("gtid:0-1-5", "postgresql", "postgresql cannot go to gtid 0-1-5: it counts"),
        ("before:xid:7", "mariadb", "mariadb cannot go to before xid 7"),
        ("file:binlog.000001:4", "postgresql", "a place in its log is an LSN"),
    ],
)
def test_a_moment_that_the_other_engine_counts_by_says_why(
    text: str, engine: str, why: str
) -> None:
    with pytest.raises(ConfigError, match=why):
        restoring.parse(text, engine=engine)


def test_a_directory_that_is_no_repository_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("x")
    with pytest.raises(Refused, match="is not empty"):
        repository.make(str(tmp_path))
    with pytest.raises(ConfigError, match="is not a repository"):
        repository.opened(str(tmp_path))
    with pytest.raises(ConfigError, match="there is no repository"):
        repository.opened(str(tmp_path / "none"))


def test_a_log_is_told_each_minute_how_far_a_backup_is(capsys: pytest.CaptureFixture[str]) -> None:
    show = backupview.progress()
    for elapsed_s, megabytes in ((30.0, 90), (60.0, 120), (70.0, 140), (121.0, 363)):
        raw = megabytes * 1_000_000
        show(taking.Tick(raw, raw // 10, 600_000_000, elapsed_s))
    assert capsys.readouterr().err.splitlines() == [
        "120 MB of about 600 MB read, 12 MB stored, 2 MB/s, 240 s left",
        "363 MB of about 600 MB read, 36 MB stored, 3 MB/s, 79 s left",
    ]


def test_nothing_to_verify_is_no_success(repo: Repository) -> None:
    said = CliRunner().invoke(main, ["backup", "verify", "--repository", repo.store.place])
    assert said.exit_code == 1
    said = CliRunner().invoke(
        main, ["backup", "list", "--repository", repo.store.place, "--format", "json"]
    )
    assert said.exit_code == 1
    assert json.loads(said.stdout) == []


def test_a_table_that_is_torn_is_found_among_the_structures() -> None:
    """On MariaDB, whose tables two sessions check, in a server without our database."""
    with labs.temporary("mariadb") as lab:
        with connect(lab.url("mysql")) as server:
            server.execute("CREATE TABLE trading.torn (n INT, INDEX (n)) ENGINE = Aria")
            server.execute("INSERT INTO trading.torn SELECT seq FROM mysql.seq_1_to_9999")
            server.execute("RENAME TABLE trading.torn TO test_torn")
            server.execute("DROP DATABASE trading")
            server.execute("FLUSH TABLES")
        found = proving.Level("L2", "structures")
        proving._structures(lab, found)
        assert (found.findings, found.looked_at > 10) == ([], True)
        [rows] = lab.data.rglob("test_torn.MAD")
        os.truncate(rows, rows.stat().st_size // 2)
        proving._structures(lab, found)
        assert any("test_torn" in each for each in found.findings)
