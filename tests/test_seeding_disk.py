"""A seed on a disk that is too small for it."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stockops import migrations, seeding
from stockops.engine import connect
from stockops.engine.base import Server
from stockops.errors import Fault, ServerError
from stockops.lab import Lab
from stockops.seeding import SeedPlan
from stockops.targets import Target

BIG = SeedPlan(users=2_000, accounts=4_000, days=30)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a small disk")
def test_a_full_disk_is_named_and_the_seed_goes_on(
    lab: Lab, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with small_disk(tmp_path_factory.mktemp("disk"), lab) as (target, fill):
        migrations.up(target)
        empty = fill()
        with pytest.raises(ServerError, match="the seed stopped after") as caught:
            seeding.run(target, BIG)
        assert caught.value.fault is Fault.FULL
        assert "goes on where it stopped" in (caught.value.hint or "")
        empty()
        assert seeding.run(target, BIG).resumed


@contextmanager
def small_disk(place: Path, lab: Lab) -> Iterator[tuple[Target, Callable[[], Callable[[], None]]]]:
    """Give a database whose files are on a disk of its own, and what fills that disk."""
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256m,mode=755", "tmpfs", place],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        pytest.skip("this machine lets nobody mount")
    files = place / "files"
    files.mkdir()
    name = "small_disk"
    try:
        open_way(place)
        with connect(lab.url()) as admin:
            make_database(admin, lab, name, files)
        filler = place / "filler"

        def fill() -> Callable[[], None]:
            free = os.statvfs(place)
            filler.write_bytes(bytes(max(free.f_bavail * free.f_frsize - 6 * 2**20, 0)))
            return filler.unlink

        yield Target(name="small", url=lab.url(name), lab=lab.name), fill
    finally:
        try:
            with connect(lab.url()) as admin:
                admin.execute(f"DROP DATABASE IF EXISTS {name}")
                if lab.engine == "postgresql":
                    admin.execute("DROP TABLESPACE IF EXISTS small_disk")
        finally:
            subprocess.run(["umount", "-l", place], check=True)


def open_way(place: Path) -> None:
    """Let the server's account reach `place`."""
    for folder in [place, *place.parents]:
        if folder.stat().st_uid == os.geteuid() and folder.is_relative_to(tempfile.gettempdir()):
            folder.chmod(folder.stat().st_mode | 0o011)


def make_database(admin: Server, lab: Lab, name: str, files: Path) -> None:
    owner = lab.data.stat()
    for folder in (files.parent, files):
        os.chown(folder, owner.st_uid, owner.st_gid)
    if lab.engine == "postgresql":
        admin.execute(f"CREATE TABLESPACE small_disk LOCATION '{files}'")
        admin.execute(f"CREATE DATABASE {name} TABLESPACE small_disk")
        return
    admin.execute(f"CREATE DATABASE {name}")
    folder = lab.data / name
    for file in folder.iterdir():
        moved = files / file.name
        moved.write_bytes(file.read_bytes())
        os.chown(moved, owner.st_uid, owner.st_gid)
        file.unlink()
    folder.rmdir()
    folder.symlink_to(files)
