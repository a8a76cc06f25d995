"""
Debian's own cron runs the installed jobs.

It has a mount namespace of its own, so that no table of this machine is read or written, and a
clock that stands shortly before the next minute, so that nobody waits for that.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import eventually

import stockops
from stockops.jobs import crontab, records

PLACES = ("cron", "crontab", "unshare", "cc")
JOBS = """
good: {title: Lists the labs, at: "* * * * *", every: 1m, timeout: 1m, command: lab status}
bad: {title: Forgets nobody, at: "* * * * *", every: 1m, timeout: 1m, command: job forget nobody}
"""
SCRIPT = """
set -e
cd "$1"
mount --bind spool /var/spool/cron
mount --bind empty /etc/cron.d
mount --bind empty/none /etc/crontab
mount --bind run /run
crontab foreign
shift
"$@"
"$@"
crontab -l >installed
echo $((57 - $(date +%s) % 60)) >skew
SKEW=$PWD/skew LD_PRELOAD=$PWD/skew.so exec cron -f
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with what cron reads and writes; skips where cron cannot be had for itself."""
    if os.geteuid() != 0 or not all(map(shutil.which, PLACES)):
        pytest.skip(f"it takes root and {', '.join(PLACES)}")
    if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no mount namespace is to be had here")
    for name in ("spool/crontabs", "empty", "run"):
        (tmp_path / name).mkdir(parents=True)
    spool = tmp_path / "spool" / "crontabs"
    shutil.chown(spool, group="crontab")
    spool.chmod(0o1730)
    (tmp_path / "empty" / "none").touch()
    # Where stockops runs from a checkout that is not installed, cron has to be told.
    source = Path(stockops.__file__).parent.parent
    (tmp_path / "foreign").write_text(f"PYTHONPATH={source}\n* * * * * touch {tmp_path}/touched\n")
    (tmp_path / "jobs.yaml").write_text(JOBS)
    source = Path(__file__).with_name("skewed_clock.c")
    words = ["cc", "-shared", "-fPIC", "-o", str(tmp_path / "skew.so"), str(source), "-ldl"]
    subprocess.run(words, check=True, capture_output=True)
    return tmp_path


@contextmanager
def running(place: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Install the jobs twice, and run cron for the block."""
    install = ["job", "crontab", "--install", "--jobs", str(place / "jobs.yaml")]
    words = ["sh", "-c", SCRIPT, "sh", str(place), sys.executable, "-m", "stockops", *install]
    with (place / "said").open("wb") as said:
        cron = subprocess.Popen(
            ["unshare", "-m", "--propagation", "private", *words], stdout=said, stderr=said
        )
    try:
        yield cron
    finally:
        cron.terminate()
        cron.wait(60)


def test_cron_runs_what_was_installed_beside_the_lines_of_others(place: Path) -> None:
    def ran(name: str) -> bool:
        assert cron.poll() is None, (place / "said").read_text()
        found = records.read(name)
        return found is not None and bool(found.runs) and found.begun is None

    with running(place) as cron:
        eventually(lambda: ran("good") and ran("bad") and (place / "touched").exists(), 120)
    outcomes = {name: seen.state for name in records.names() if (seen := records.look(name))}
    assert outcomes == {"good": "succeeded", "bad": "failed"}
    assert "no job called 'nobody'" in getattr(records.read("bad"), "said", "")
    assert "2 jobs are in the crontab\n" in (place / "said").read_text()
    assert "the crontab is as it was\n" in (place / "said").read_text()
    installed = (place / "installed").read_text()
    assert installed.startswith((place / "foreign").read_text() + crontab.BEGIN)
    assert installed.count(crontab.BEGIN) == 1
