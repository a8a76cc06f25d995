"""Full disks, clocks that jump, servers that stop or are others: said, and nothing is lost."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import eventually
from spots import Spot

from stockops import lab as labs
from stockops.backups import (
    archive,
    drilling,
    manifest,
    repository,
    restoring,
    retention,
    taking,
)
from stockops.backups.archive import spool
from stockops.backups.repository import Repository
from stockops.backups.streams import Form
from stockops.backups.taking import Request
from stockops.engine import connect
from stockops.errors import Refused, StockopsError, StorageError, Unsupported
from stockops.lab import account as accounts

SOON_S = 60.0
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return repository.make(str(tmp_path / "repository"))


@contextmanager
def mounted(place: Path, *words: str) -> Iterator[Path]:
    place.mkdir(exist_ok=True)
    done = subprocess.run(["mount", *words, place], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("this machine lets nobody mount")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def once(act: Callable[[], None]) -> Callable[[object], None]:
    """Do it when a backup is on its way."""
    done: list[bool] = []

    def seen(_tick: object) -> None:
        if not done:
            done.append(True)
            act()

    return seen


@as_root
def test_a_full_repository_is_named_and_the_next_backup_finds_room(
    spot: Spot, tmp_path: Path
) -> None:
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=64m", "tmpfs") as disk:
        repo = repository.make(str(disk / "repository"))
        filler = disk / "filler"

        def fill() -> None:
            free = os.statvfs(disk)
            filler.write_bytes(bytes(free.f_bavail * free.f_frsize))

        with pytest.raises(StorageError, match="No space left") as caught:
            taking.take(repo, spot.target, Request(), progress=once(fill))
        assert "Make room" in (caught.value.hint or "")
        assert {each.state for each in repo.backups()} <= {"failed", "incomplete"}
        filler.unlink()
        said = taking.take(repo, spot.target, Request())
        assert [each.id for each in repo.backups() if each.manifest] == [said.id]


@as_root
def test_room_is_looked_for_before_a_backup_begins(spot: Spot, tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=2m", "tmpfs") as disk:
        repo = repository.make(str(disk / "repository"))
        request = Request(form=Form(compression="none"))
        for act in (taking.steps, taking.take):
            with pytest.raises(Refused, match=r"MB free, and \d+ MB are wanted"):
                act(repo, spot.target, request)
        assert repo.backups() == []


BULK = {
    "postgresql": "CREATE TABLE bulk AS SELECT n, repeat('x', 200) AS said "
    "FROM generate_series(1, 60000) AS n",
    "mariadb": "CREATE TABLE bulk (PRIMARY KEY (n)) AS SELECT seq AS n, repeat('x', 200) AS said "
    "FROM seq_1_to_60000",
}


@as_root
def test_room_is_looked_for_before_an_incremental_backup_too(spot: Spot, tmp_path: Path) -> None:
    """By the log since the one before it; by the smallest of the last ones where there are any."""
    request = Request(kind="incremental", form=Form(compression="none"))

    def leave(free_bytes: int) -> None:
        filler.unlink(missing_ok=True)
        free = os.statvfs(disk)
        filler.write_bytes(bytes(max(free.f_bavail * free.f_frsize - free_bytes, 0)))

    with (
        mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=160m", "tmpfs") as disk,
        ExitStack() as stack,
    ):
        repo = repository.make(str(disk / "repository"))
        filler = disk / "filler"
        full = taking.take(repo, spot.target, Request())
        spot.server.execute(BULK[spot.lab.engine])
        stack.callback(spot.server.execute, "DROP TABLE bulk")
        leave(2 << 20)
        for act in (taking.steps, taking.take):
            with pytest.raises(Refused, match=r"MB free, and \d+ MB are wanted"):
                act(repo, spot.target, request)
        assert [each.state for each in repo.backups()] == ["complete"]
        filler.unlink()
        [planned, *_] = taking.steps(repo, spot.target, request)
        assert re.search(f"upon {full.id}, about \\d+ MB", planned.action)
        second = taking.take(repo, spot.target, request)
        leave(second.stored_bytes // 2)  # there is next to no log since
        with pytest.raises(Refused, match="are wanted"):
            taking.steps(repo, spot.target, request)


@as_root
def test_a_full_disk_ends_a_restore_with_its_reason_and_leaves_no_data(
    spot: Spot, repo: Repository, tmp_path_factory: pytest.TempPathFactory
) -> None:
    said = taking.take(repo, spot.target, Request())
    recovery = restoring.plan(repo, restoring.Aim("backup"), system=said.system)
    fill = restoring.filling(repo, recovery, identities=(), phases=restoring.Phases())
    with ExitStack() as stack:
        place = Path(stack.enter_context(short_place()))
        root = stack.enter_context(
            mounted(place / "labs", "-t", "tmpfs", "-o", "size=24m,mode=755", "tmpfs")
        )
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("STOCKOPS_LABS", str(root))
        with pytest.raises(labs.NoRoom, match="there is no room for the lab 'full'"):
            labs.adopt("full", engine=said.engine, fill=fill)
        assert labs.find("full") is None
        with pytest.raises(labs.NoRoom, match=r"MiB are needed, and .* are free at"):
            drilling.drill(repo, recovery)
        assert [each.state for each in repo.backups()] == ["complete"]  # nothing is held against it
        free = os.statvfs(root)
        assert free.f_bavail * free.f_frsize > 20 << 20
        labs.sweep()
        assert not [*root.iterdir()]


@as_root
def test_a_disk_that_fills_up_under_a_drill_is_not_held_against_a_dump(
    spot: Spot, repo: Repository
) -> None:
    said = taking.take(repo, spot.target, Request(method="logical"))
    with ExitStack() as stack:
        place = Path(stack.enter_context(short_place()))
        root = stack.enter_context(
            mounted(place / "labs", "-t", "tmpfs", "-o", "size=300m,mode=755", "tmpfs")
        )
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("STOCKOPS_LABS", str(root))

        def fill(phase: str) -> None:
            if phase == "load":
                free = os.statvfs(root)
                (root / "filler").write_bytes(bytes(free.f_bavail * free.f_frsize))

        with pytest.raises(labs.NoRoom, match="there is no room for the lab 'temporary-"):
            drilling.drill_dump(repo, repo.backup(said.id), seen=fill)
        with pytest.raises(labs.NoRoom, match=f"no room for what {said.id} holds"):
            drilling.drill_dump(repo, repo.backup(said.id))
        assert [each.state for each in repo.backups()] == ["complete"]
        (root / "filler").unlink()
        labs.sweep()


@contextmanager
def short_place() -> Iterator[str]:
    """A directory that every account can reach: labs have sockets and other users."""
    with tempfile.TemporaryDirectory(prefix="stockops-test-") as place:
        Path(place).chmod(0o755)
        yield place


@as_root
def test_a_read_only_repository_takes_nothing_and_gives_what_it_has(
    spot: Spot, repo: Repository
) -> None:
    said = taking.take(repo, spot.target, Request())
    place = repo.store.place
    killed = f"backups/{said.system}/20200101T000000000Z-physical-full"
    repo.note(repo.store.partial(killed), "running.json", pid=1)
    (Path(place) / "locks" / f"backup-{said.system}.lock").touch()
    with mounted(Path(place), "--bind", place):
        subprocess.run(["mount", "-o", "remount,bind,ro", place], check=True)
        with pytest.raises(StorageError, match="Read-only") as caught:
            taking.take(repo, spot.target, Request())
        assert "Name a repository that can be written" in (caught.value.hint or "")
        assert [each.state for each in repo.backups()] == ["incomplete", "complete"]
        recovery = restoring.plan(repo, restoring.Aim("backup"), system=said.system)
        assert [link.id for link in recovery.links] == [said.id]


def test_pages_without_checksums_are_said_to_be_unproven(pg: Spot, repo: Repository) -> None:
    """MariaDB since 10.6 has no pages without."""

    def switch(how: str) -> None:
        lab = pg.lab
        labs.stop(lab)
        subprocess.run(
            [lab.programs / "pg_checksums", how, "-D", lab.data],
            check=True,
            capture_output=True,
            **accounts.serving(lab.user).switch,
        )
        pg.again()

    switch("--disable")
    try:
        said = taking.take(repo, pg.target, Request())
        assert [note for note in said.notes if "checksums are off" in note]
        recovery = restoring.plan(repo, restoring.Aim("backup"), system=said.system)
        drilled = drilling.drill(repo, recovery)
    finally:
        switch("--enable")
    assert drilled.passed, drilled.summary
    passed = {level.name: level.passed for level in drilled.levels}
    assert passed == {"L0": True, "L1": None, "L2": True, "L3": True, "L4": True}
    assert "checksums are off" in drilled.levels[1].unknown
    assert "L1" not in drilled.summary


def test_a_server_that_stops_meanwhile_ends_the_backup_with_a_reason(
    spot: Spot, repo: Repository
) -> None:
    def stop() -> None:
        thread = threading.Thread(target=labs.stop, args=(spot.lab,))
        thread.start()
        stopping.append(thread)
        eventually(lambda: not answers(spot), within_s=SOON_S)

    stopping: list[threading.Thread] = []
    with pytest.raises(StockopsError):
        taking.take(repo, spot.target, Request(), progress=once(stop))
    stopping[0].join(SOON_S)
    spot.again()
    (left,) = repo.backups()
    assert left.state == "failed"
    assert left.note
    assert not [each for each in repo.store.entries("backups") if "base." in each.name]
    with connect(spot.target) as server:
        assert taking.SOURCES[spot.lab.engine].left_behind(server) == []
    said = taking.take(repo, spot.target, Request())
    assert [each.id for each in repo.backups() if each.manifest] == [said.id]


def answers(spot: Spot) -> bool:
    try:
        with connect(spot.target):
            return True
    except StockopsError:
        return False


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no compiler for another clock")
def test_backups_keep_their_order_when_the_clock_jumps_between_and_during_them(
    spot: Spot, repo: Repository, tmp_path: Path
) -> None:
    spot.write(40)  # the log is longer than its head
    first = taking.take(repo, spot.target, Request())
    with receiving(spot, repo):
        eventually(lambda: spool.tails(repo, first.system), within_s=SOON_S)
        clock = tmp_path / "clock"
        clock.write_text("-3600\n")
        take = ["take", "--incremental", "-t", spot.target.url]
        with started(take, repo, skewed(tmp_path, clock)) as running:
            eventually(lambda: running.poll() is not None or part_written(repo), within_s=SOON_S)
            clock.write_text("+3600\n")
            assert running.wait(SOON_S) == 0
        third = taking.take(repo, spot.target, Request(kind="incremental"))
        second = repo.backups()[1].manifest
        assert second is not None
        assert [each.id for each in repo.backups()] == [first.id, second.id, third.id]
        assert (second.parent, third.parent) == (first.id, second.id)
        assert second.started_at < first.started_at  # its clock was wrong, and says so
        (window,) = archive.windows(repo, first.system)
        assert window.backups == [first.id, second.id, third.id]
    recovery = restoring.plan(repo, restoring.Aim("end"), system=first.system)
    assert [link.id for link in recovery.links] == [first.id, second.id, third.id]
    kept = retention.plan(repo, first.system, {"daily": 1})
    assert {*kept.kept} == {first.id, second.id, third.id}
    assert not [each for each in kept.removed if each.what == "backup"]


def skewed(place: Path, clock: Path) -> dict[str, str]:
    """The environment of a process that is as many seconds off as the file `clock` says."""
    made = place / "skewed_clock.so"
    source = Path(__file__).with_name("skewed_clock.c")
    words = ["cc", "-shared", "-fPIC", "-o", str(made), str(source), "-ldl"]
    subprocess.run(words, check=True, capture_output=True)
    return {"LD_PRELOAD": str(made), "SKEW": str(clock)}


def part_written(repo: Repository) -> bool:
    return bool(list(Path(repo.store.place).rglob(".base.*unfinished")))


@contextmanager
def started(
    words: list[str], repo: Repository, more: Mapping[str, str] | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "stockops", "backup", *words]
    running = subprocess.Popen(
        [*command, "--repository", repo.store.place],
        env={**os.environ, **(more or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield running
    finally:
        running.kill()
        running.wait()


@contextmanager
def receiving(spot: Spot, repo: Repository) -> Iterator[None]:
    with started(["archive", "run", "-t", spot.target.url], repo) as running:
        yield
        running.terminate()
        assert running.wait(SOON_S) == 0


def test_another_cluster_under_the_same_name_is_refused_until_it_is_said(
    spot: Spot, repo: Repository
) -> None:
    said = taking.take(repo, spot.target, Request())
    root = Path(repo.store.place) / "backups"
    other = said.system[:-1] + ("1" if said.system[-1] == "0" else "0")
    was = replace(said, system=other)
    (root / said.system).rename(root / other)
    (root / other / said.id / manifest.NAME).write_bytes(was.as_bytes())
    with pytest.raises(Refused, match="another cluster") as caught:
        taking.take(repo, spot.target, Request())
    assert "--new-system" in (caught.value.hint or "")
    assert repo.systems() == [other]
    taking.take(repo, spot.target, Request(new_system=True))
    taking.take(repo, replace(spot.target, name="another"), Request())
    taking.take(repo, spot.target, Request())
    assert len(repo.backups(said.system)) == 3


def test_a_backup_of_another_major_version_is_refused_by_name(pg: Spot, repo: Repository) -> None:
    said = taking.take(repo, pg.target, Request())
    path = Path(repo.store.place) / "backups" / said.system / said.id / manifest.NAME
    path.write_bytes(replace(said, server_version="99.1").as_bytes())
    recovery = restoring.plan(repo, restoring.Aim("backup"), system=said.system)
    with pytest.raises(Unsupported, match="PostgreSQL 99 is not installed"):
        drilling.drill(repo, recovery)
    assert repo.evidence(repo.backup(said.id)) == []  # it says nothing about the backup
