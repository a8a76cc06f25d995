"""A lab on a disk that is full: one sentence with the place and the room, and nothing half made."""

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from click.testing import CliRunner
from test_backup_faults import as_root, mounted, short_place

from stockops import lab as labs
from stockops.cli.main import main
from stockops.errors import StorageError
from stockops.lab import Lab

TOO_SMALL = "size=20m,mode=755"
ENOUGH = "size=190m,mode=755"


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with short_place() as found:
        monkeypatch.setenv("STOCKOPS_LABS", f"{found}/labs")
        yield Path(found)


@as_root
def test_a_new_lab_that_finds_no_room_says_so_and_leaves_nothing(lab: Lab, place: Path) -> None:
    with mounted(place / "labs", "-t", "tmpfs", "-o", TOO_SMALL, "tmpfs") as root:
        words = ["lab", "up", "--name", "full", "--engine", lab.engine]
        done = CliRunner().invoke(main, words)
        assert done.exit_code == 1
        assert re.search(
            rf"no room for the lab 'full': 20,[\d,]+ bytes \(20\.0 MiB\) are free at '{root}', and "
            rf"a new lab of {lab.engine} takes about \d+ MiB",
            done.stderr,
        )
        assert "set STOCKOPS_LABS to a directory of another disk" in done.stderr
        assert len(done.stderr.splitlines()) == 2
        assert not [*root.iterdir()]


@as_root
def test_a_lab_whose_disk_has_filled_says_so_and_comes_up_when_there_is_room(
    lab: Lab, place: Path
) -> None:
    with ExitStack() as stack:
        options = ["-t", "tmpfs", "-o", ENOUGH, "tmpfs"]
        root = stack.enter_context(mounted(place / "labs", *options))
        labs.up("a", engine=lab.engine)
        stack.callback(labs.destroy, "a")
        filler = root / "filler"
        free = os.statvfs(root)
        filler.write_bytes(bytes(free.f_bavail * free.f_frsize))
        assert labs.down("a")  # its lock has no room for a number, and holds
        before = sorted(root.iterdir())
        with (
            pytest.raises(OSError, match="No space left"),
            filler.open("ab", buffering=0) as file,
        ):
            while file.write(bytes(4096)):  # what the server left as it went
                pass
        with pytest.raises(StorageError, match=rf"no room for the lab 'a': 0 bytes .* '{root}/a'"):
            labs.up("a")
        assert sorted(root.iterdir()) == before
        filler.unlink()
        assert labs.up("a").pid is not None
