"""What is kept, and what may go: on a repository whose backups are a year old."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from manifests import KEEP, LAST, SYSTEM, add, made_up, put

from stockops import scratch
from stockops.backups import manifest, repository, retention
from stockops.backups.repository import Evidence, Repository
from stockops.cli import main
from stockops.errors import ConfigError, StorageError


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return repository.make(str(tmp_path / "repository"))


def a_year(repo: Repository) -> list[str]:
    """Add one backup a day."""
    return [add(repo, LAST - timedelta(days=day)).id for day in reversed(range(100))]


def there(repo: Repository) -> list[str]:
    return [each.id for each in repo.backups(SYSTEM)]


def test_the_last_of_each_day_week_and_month_stay(repo: Repository) -> None:
    a_year(repo)
    kept = retention.plan(repo, SYSTEM, KEEP).kept
    days = sorted(name[:8] for name in kept)
    # Three days; Sunday the 29th ends the week before; February ends with its 28th.
    assert days == ["20260228", "20260329", "20260330", "20260331"]


def test_a_dump_takes_the_place_of_no_backup_that_log_goes_on_from(repo: Repository) -> None:
    """Of each day a backup of files, and a dump an hour later: both chains are kept."""
    files = [add(repo, LAST - timedelta(days=day)).id for day in range(4)]
    dumps = []
    for day in range(4):
        said = made_up(LAST - timedelta(days=day, hours=-1))
        said = replace(said, id=said.id.replace("physical", "logical"), method="logical")
        dumps.append(put(repo, said, **{"dump.zst": b"x"}).id)
    plan = retention.plan(repo, SYSTEM, {"daily": 2})
    assert {*plan.kept} == {*files[:2], *dumps[:2]}
    assert plan.kept[dumps[0]] == "daily 2026-03-31, of dumps"
    assert {each.name for each in plan.removed} == {*files[2:], *dumps[2:]}


def test_what_was_proven_stays_and_so_does_what_it_builds_upon(repo: Repository) -> None:
    full = add(repo, LAST - timedelta(days=90))
    child = add(repo, LAST - timedelta(days=89), parent=full.id)
    other = add(repo, LAST - timedelta(days=88), parent=child.id)
    for day in range(5):
        add(repo, LAST - timedelta(days=day))
    evidence = Evidence(
        backup=child.id, what="drill", at=LAST.isoformat(), passed=True, summary="", detail={}
    )
    repo.record(evidence, system=SYSTEM)
    plan = retention.plan(repo, SYSTEM, {"daily": 2})
    assert plan.kept[child.id] == "the last that was proven"
    assert plan.kept[full.id] == f"{child.id} builds upon it"
    assert other.id in [removal.name for removal in plan.removed]


def test_a_prune_does_what_its_plan_says_and_asks_first(repo: Repository) -> None:
    a_year(repo)
    place = repo.store.place
    planned = CliRunner().invoke(main, ["backup", "prune", "--repository", place, "--plan"])
    assert planned.exit_code == 0
    assert len(there(repo)) == 100
    refused = CliRunner().invoke(main, ["backup", "prune", "--repository", place])
    assert refused.exit_code == 5
    assert len(there(repo)) == 100
    done = CliRunner().invoke(main, ["backup", "prune", "--repository", place, "--yes"])
    assert done.exit_code == 0, done.output
    kept = retention.plan(repo, SYSTEM, retention.DEFAULT_KEEP)
    assert there(repo) == sorted(kept.kept)
    assert not kept.removed


@pytest.mark.parametrize("command", ["prune", "windows"])
def test_a_system_that_is_not_there_is_said(repo: Repository, command: str) -> None:
    """A slip in its name pruned nothing and was well; with slashes it was a traceback."""
    asked = ["backup", command, "--repository", repo.store.place, "--system"]
    for backups, words in ((0, {"there is no backup in", "knows no system"}), (1, {"no system"})):
        for day in range(backups):
            add(repo, LAST - timedelta(days=day))
        for name in ("pg-8", "../../x", ""):
            done = CliRunner().invoke(main, [*asked, name])
            assert done.exit_code == 2, done.output
            assert any(each in done.output for each in words), done.output


def test_an_empty_word_is_no_repository_and_no_backup(
    repo: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``--repository "$PLACE"`` without a PLACE made the working directory one."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    done = CliRunner().invoke(main, ["backup", "init", "--repository", ""])
    assert (done.exit_code, "no repository is named" in done.output) == (2, True)
    assert not [*Path().iterdir()]
    add(repo, LAST)
    with pytest.raises(ConfigError, match="there is no backup ''"):
        repo.backup("")


def test_a_prune_waits_for_no_backup_that_is_being_taken(repo: Repository) -> None:
    a_year(repo)
    with repo.held(SYSTEM):
        said = CliRunner().invoke(
            main, ["backup", "prune", "--repository", repo.store.place, "--yes"]
        )
    assert said.exit_code == 6
    assert len(there(repo)) == 100


def test_a_broken_one_stays_for_somebody_to_look_at(repo: Repository) -> None:
    a_year(repo)
    path = Path(repo.store.place) / "backups" / SYSTEM / there(repo)[0] / manifest.NAME
    path.write_bytes(path.read_bytes()[:-40])
    retention.prune(repo, SYSTEM, KEEP)
    assert there(repo)[0] == path.parent.name


def test_a_parent_that_is_gone_is_named(repo: Repository) -> None:
    from stockops.backups.restoring import chain

    child = add(repo, LAST, parent="20200101T000000000Z-physical-full")
    with pytest.raises(StorageError, match="builds upon 20200101T"):
        chain(repo, repo.backup(child.id))


@pytest.mark.parametrize("keep", [{}, {"daily": 0}, {"daily": -1, "weekly": 3}])
def test_keeping_nothing_is_refused(repo: Repository, keep: dict[str, int]) -> None:
    add(repo, LAST)
    with pytest.raises(ConfigError):
        retention.plan(repo, SYSTEM, keep)


def test_what_was_left_by_who_was_killed_goes_and_nothing_else(repo: Repository) -> None:
    a_year(repo)
    root = Path(repo.store.place)
    log = root / "archive" / SYSTEM / "binlog" / "00000001"
    spool = root / "spool" / SYSTEM / ".x.999999999.unfinished"
    half = root / "backups" / SYSTEM / ".20200101T000000000Z-physical-full.removed" / "base.mbs"
    written = [log / f".{name}.unfinished" for name in ("a.999999999", "b.1", "c.999999999")]
    lock = root / "locks" / "archive-gone.lock"
    for path in (spool, half, *written, lock):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    long_ago = LAST.timestamp()
    for path in (spool, *written[:2]):
        os.utime(path, (long_ago, long_ago))
    retention.prune(repo, SYSTEM, KEEP)
    assert not half.parent.exists()
    # What is young may be written on another machine; process 1 is here, and may be writing.
    assert [path.exists() for path in (*written, lock, spool)] == [False, True, True, False, True]


def test_an_id_follows_the_last_one_when_the_clock_went_back() -> None:
    ahead = "20990101T000000000Z-physical-full"
    assert repository.new_id("full", "logical", after=[]) < ahead
    then = repository.new_id("full", "physical", after=["20200101T000000000Z-logical-full", ahead])
    assert then == "20990101T000000001Z-physical-full"


def test_a_directory_to_work_in_goes_when_its_maker_was_killed(tmp_path: Path) -> None:
    made = (
        "import os, pathlib, signal; from stockops import scratch\n"
        f"with scratch.directory('test', within=pathlib.Path({str(tmp_path)!r})) as here:\n"
        "    (here / 'secret').touch()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", made], check=False)
    (left,) = tmp_path.iterdir()
    with scratch.directory("test", within=tmp_path) as first:
        assert not left.exists()
        with scratch.directory("test", within=tmp_path) as second:
            assert {first, second} == {*tmp_path.iterdir()}
    assert not [*tmp_path.iterdir()]
