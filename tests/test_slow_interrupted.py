"""What reads a log and is stopped, by Ctrl-C or a full disk, leaves nothing half made."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import eventually

from stockops import processes
from stockops.cli import main

LINE = (
    "2026-01-05 00:00:{s:02d}.000 UTC [7] kim@shop LOG:  duration: {n}.500 ms"
    "  statement: SELECT sum(a) FROM orders_{letter}{name} WHERE b = {n}\n"
)
LONG_BYTES = 64 << 20  # seconds of reading on any machine
SMALL_BYTES = 16 << 10


def log(path: Path, classes: int, *, copies: int = 1) -> Path:
    lines = [
        LINE.format(s=n % 60, n=n, letter=chr(97 + n % 26), name=chr(97 + n // 26 % 26))
        for n in range(classes)
    ]
    with path.open("w") as file:
        for _ in range(copies):
            file.writelines(lines)
    return path


def is_read(path: Path, reader: subprocess.Popen[str]) -> bool:
    """Tell whether `reader`, or a process that it started, has `path` open."""
    assert reader.poll() is None, reader.communicate()
    every = [reader.pid, *(each.pid for each in processes.below(reader.pid))]
    return any(str(path) in _opened(pid) for pid in every)


def _opened(pid: int) -> list[str]:
    """Return the files that a process has open; nothing of one that has ended."""
    try:
        return [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()]
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return []


def test_ctrl_c_in_a_long_digest_is_one_line_and_leaves_no_page(tmp_path: Path) -> None:
    path = log(tmp_path / "long.log", 600, copies=LONG_BYTES // (600 * len(LINE)))
    words = [sys.executable, "-m", "stockops", "slow", "digest", "--report", "page.html", str(path)]
    process = subprocess.Popen(
        words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        eventually(lambda: is_read(path, process))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert (out, err.strip()) == ("", "error: interrupted")
    # A shell calls both 130: Python ends by the signal where it came while an import ran exec().
    assert process.returncode in {130, -signal.SIGINT}
    assert [each.name for each in tmp_path.iterdir()] == ["long.log"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a small disk")
def test_a_snapshot_on_a_full_disk_is_told_and_the_one_before_stays(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_BYTES}", "tmpfs", str(small)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount")
    try:
        kept = small / "kept.json"
        snapshot = ["slow", "snapshot", str(kept)]
        done = CliRunner().invoke(main, [*snapshot, str(log(tmp_path / "few.log", 3))])
        assert done.exit_code == 0, done.output
        before = kept.read_bytes()
        done = CliRunner().invoke(main, [*snapshot, str(log(tmp_path / "many.log", 600))])
        assert done.exit_code == 2
        assert "No space left on device" in done.stderr
        assert f"hint: Look: df -h {small}" in done.stderr
        assert kept.read_bytes() == before
        assert [*small.iterdir()] == [kept]
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)
