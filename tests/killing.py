"""
Kills at random moments, and what must hold after each of them.

What a killed process started becomes a child of this one, so that nothing that stays is missed.
"""

import ctypes
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from conftest import eventually

from stockops import filelock, logs, migrations, scratch
from stockops import lab as labs
from stockops.backups import archive, repository, taking, verifying
from stockops.backups.archive import Window, wal
from stockops.backups.archive.binlog import number_of
from stockops.backups.repository import Repository
from stockops.backups.s3store import S3Store
from stockops.engine import open_server
from stockops.engine.base import Server
from stockops.lab import Lab
from stockops.targets import Target

GONE_S = 60.0
ENDS_S = 120.0
_SETTINGS = {
    "postgresql": {"summarize_wal": "on", "wal_keep_size": "512MB", "checkpoint_timeout": "1h"},
    "mariadb": {},
}
_KEEP = "backup: {keep: {daily: 1}}\n"
_ADOPTS = 36  # PR_SET_CHILD_SUBREAPER
# What is begun, and who may be killed then.
CASES = (
    ("take --full", "tool"),
    ("take --full", "child"),
    ("take --full", "server"),
    ("take --incremental", "tool"),
    ("take --incremental", "child"),
    ("archive run", "tool"),
    ("archive run", "child"),
    ("archive run", "server"),
    ("restore", "tool"),
    ("prune", "tool"),
)
MORE = (
    *CASES,
    ("take --incremental", "server"),
    ("restore", "child"),
    ("take --logical", "tool"),
    ("take --logical", "child"),
    ("archive push", "tool"),
)
_TYPICAL_S = {"archive push": 0.6, "prune": 0.5, "archive run": 2.0, "restore": 4.0}


@dataclass(slots=True)
class Ground:
    """A server and a repository of our own, and a place for all that is put anywhere else."""

    lab: Lab
    target: Target
    server: Server
    repo: Repository
    place: Path
    draw: random.Random
    known: frozenset[int]
    seed: int
    takes_s: dict[str, float] = field(default_factory=lambda: {**_TYPICAL_S})
    seen: "Counter[str]" = field(default_factory=Counter)
    made: int = 0

    @property
    def system(self) -> str:
        return self.repo.one_system()

    def write(self) -> None:
        """Commit something, and finish the file of the log."""
        self.made += 1
        said = {"n": self.made}
        self.server.execute("INSERT INTO noted (number) VALUES (%(n)s)", said)
        if self.lab.engine == "postgresql":
            self.server.rows("SELECT pg_switch_wal()::text AS lsn")
        else:
            self.server.execute("FLUSH BINARY LOGS")

    def again(self) -> None:
        """Kill the server, and start it again."""
        with suppress(Exception):
            self.server.close()
        labs.crash(self.lab)
        self.lab = labs.start(self.lab)
        self.server = open_server(self.target)

    def command(self, what: str, name: str) -> list[str]:
        """Return the command line of `what`; a restored lab is called `name`."""
        words = what.split()
        if what == "restore":
            words += ["--lab", name, "--to", self.draw.choice(["end", "backup"])]
        elif what == "prune":
            words += ["--yes", "--config", str(self.place / "stockops.yaml")]
        elif what == "archive push":
            words.append(str(self.draw.choice(self.finished())))
        else:
            words += ["-t", self.target.url]
        if what == "archive run" and isinstance(self.repo.store, S3Store):
            words += ["--spool", str(self.place / "spool")]
        words += ["--repository", self.repo.store.place]
        return [sys.executable, "-m", "stockops", "backup", *words]

    def finished(self) -> list[Path]:
        """Return the last finished segments of the server's log."""
        sql = "SELECT pg_walfile_name(pg_current_wal_lsn()) AS name"
        now = str(self.server.rows(sql)[0]["name"])
        found = sorted((self.lab.data / "pg_wal").iterdir())
        return [each for each in found if wal.SEGMENT.fullmatch(each.name) and each.name < now][-3:]


@contextmanager
def ground(engine: str, seed: int, *, store: str | None = None) -> Iterator[Ground]:
    """
    Give a ground with one backup and a little log, on a server of its own.

    Its repository is at `store`, else in a directory of its own.
    """
    libc = ctypes.CDLL(None)
    libc.prctl(_ADOPTS, 1, 0, 0, 0)
    place = Path(tempfile.mkdtemp(prefix="stockops-kills-"))
    try:
        place.chmod(0o711)
        (place / "tmp").mkdir()
        (place / "stockops.yaml").write_text(_KEEP)
        known = frozenset(children_of(os.getpid()))
        with labs.temporary(engine, settings=_SETTINGS[engine]) as lab:
            target = Target(name="ground", url=lab.url(), lab=lab.name)
            migrations.up(target)
            repo = repository.make(store or str(place / "repository"))
            draw = random.Random(seed)
            here = Ground(lab, target, open_server(target), repo, place, draw, known, seed)
            here.server.execute("CREATE TABLE noted (number BIGINT PRIMARY KEY)")
            began = time.monotonic()
            taking.take(repo, target, taking.Request())
            here.takes_s["take"] = time.monotonic() - began + 0.4  # for the program to start
            here.write()
            yield here
            here.server.close()
    finally:
        with rooted(place / "labs"):  # a restored server outlives whoever restored it
            for each in labs.status():
                labs.destroy(each.name)
        shutil.rmtree(place, ignore_errors=True)
        libc.prctl(_ADOPTS, 0, 0, 0, 0)


def kill(here: Ground, what: str, victim: str) -> None:
    """Begin `what`, kill `victim` at a random moment of it, and hold what is left to the rules."""
    here.write()
    name = f"killed-{here.draw.randrange(10**6)}"
    windows = archive.windows(here.repo, here.system)
    said = (here.place / "said.log").open("ab")
    began = time.monotonic()
    running = subprocess.Popen(
        here.command(what, name),
        env={**os.environ, "TMPDIR": str(here.place / "tmp"), "STOCKOPS_LABS": str(labs_of(here))},
        stdout=said,
        stderr=said,
    )
    try:
        delay_s = here.draw.uniform(0.2, here.takes_s.get(what, here.takes_s["take"]))
        with suppress(subprocess.TimeoutExpired):
            running.wait(delay_s)
            here.takes_s[what] = max(0.4, time.monotonic() - began)
            here.seen["over before"] += 1
        _kill(here, running, victim)
        if victim != "tool" and what == "archive run" and running.poll() is None:
            here.write()
            running.terminate()
        code = running.wait(ENDS_S)
    finally:
        running.kill()
        running.wait()
        said.close()
    here.seen[f"{what}, {victim}"] += 1
    try:
        hold(here, windows, done=what if code == 0 else "", lab=name)
    except BaseException as exc:
        words = (here.place / "said.log").read_text("utf-8", "replace")[-2000:]
        exc.add_note(f"{here.seed=}, after {what} whose {victim} was killed: {code=}\n{words}")
        raise


def _kill(here: Ground, running: "subprocess.Popen[bytes]", victim: str) -> None:
    if victim == "server":
        here.again()
    elif victim == "tool":
        running.kill()
    else:
        eventually(lambda: below(running.pid) or running.poll() is not None, within_s=GONE_S)
        if found := below(running.pid):
            with suppress(ProcessLookupError):
                os.kill(here.draw.choice(found), signal.SIGKILL)


def hold(here: Ground, before: list[Window], *, done: str, lab: str) -> None:
    """Hold what is there to the rules; `done` is what was completed all the same."""
    hold_lab(here, lab, is_there=done == "restore")
    eventually(lambda: not strangers(here), within_s=GONE_S)
    source = taking.SOURCES[here.lab.engine]
    eventually(lambda: source.left_behind(here.server) == [], within_s=GONE_S)
    with here.repo.held(here.system):
        taking.reap(here.repo, here.system)
    backups = here.repo.backups(here.system)
    states = {each.state for each in backups}
    assert states <= {"complete", "verified", "failed"}, [(b.id, b.state, b.note) for b in backups]
    whole = [each for each in backups if each.manifest]
    for verdict in verifying.verify(here.repo, whole):
        assert verdict.passed, verdict
    there = {each.id for each in backups}
    after = archive.windows(here.repo, here.system)
    for window in before:
        kept = [name for name in window.backups if name in there]
        assert not kept or any(_holds(new, window, kept) for new in after), (window, after)
    left = leftovers(here)
    assert not left, left
    with scratch.directory("test", within=here.place / "tmp"):
        pass
    stays = [each.name for each in (here.place / "tmp").iterdir()]
    assert all(name.startswith(logs.PREFIX) for name in stays), stays  # that an error named
    with rooted(labs_of(here)):
        labs.sweep()
        assert not [*labs_of(here).glob("*")]


def hold_lab(here: Ground, name: str, *, is_there: bool) -> None:
    """Hold a restored lab to what it says: it is whole and stays, or it is going."""
    with rooted(labs_of(here)):
        found = labs.read(name)
        if found is not None and not found.temporary:
            assert found.pid is not None or not is_there
            labs.destroy(name)
        else:
            assert not is_there


def _holds(new: Window, old: Window, kept: list[str]) -> bool:
    """Tell whether `new` reaches as far as `old` did, from each of `kept`."""
    if new.branch != old.branch or not {*kept} <= {*new.backups}:
        return False
    return _reach(new) >= _reach(old)


def _reach(window: Window) -> tuple[int, int]:
    if window.end.file is None:
        return wal.lsn(window.end.lsn or "0/0"), 0
    return number_of(window.end.file), window.end.offset or 0


def leftovers(here: Ground) -> list[str]:
    """
    Return what is in the repository and is no object.

    By design a file that was half written stays beside the archive for a day, and a failed backup
    is a folder with its reason.
    """
    if isinstance(here.repo.store, S3Store):
        return sent_in_part(here.repo.store)
    root = Path(here.repo.store.place)
    found = [path for path in root.rglob(".*") if "spool" not in path.parts]
    found = [path for path in found if not path.is_relative_to(root / "archive")]
    found += [path for path in (root / "locks").glob("*") if filelock.is_held(path)]
    return [str(path.relative_to(root)) for path in found]


def sent_in_part(store: S3Store) -> list[str]:
    """Return the parts of backups that were never made objects, and the locks that are held."""
    said = store.bucket.ask("list_multipart_uploads", Prefix="")
    found = [str(each["Key"]) for each in said.get("Uploads", ()) if "/backups/" in each["Key"]]
    locks = [entry.name for entry in store.entries("locks")]
    names = [name.removeprefix("locks/").removesuffix(".json") for name in locks]
    return found + [name for name in names if store.is_locked(name)]


def labs_of(here: Ground) -> Path:
    return here.place / "labs"


@contextmanager
def rooted(root: Path) -> Iterator[None]:
    """Let labs be those below `root`."""
    was = os.environ.get("STOCKOPS_LABS")
    os.environ["STOCKOPS_LABS"] = str(root)
    try:
        yield
    finally:
        if was is None:
            del os.environ["STOCKOPS_LABS"]
        else:
            os.environ["STOCKOPS_LABS"] = was


def strangers(here: Ground) -> list[str]:
    """Return the processes that came from a killed one: all ours but the lab and what was there."""
    pid = here.lab.pid
    own = {*here.known, os.getsid(pid) if pid else 0}
    found = []
    for child in children_of(os.getpid()):
        if child in own:
            continue
        with suppress(ChildProcessError):
            if os.waitpid(child, os.WNOHANG)[0] == child:
                continue
        found += [_named(each) for each in (child, *below(child))]
    return found


def _named(pid: int) -> str:
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return f"{pid} {' '.join(word.decode('utf-8', 'replace') for word in words[:6])}"
    return str(pid)


def children_of(parent: int) -> list[int]:
    return [pid for pid, its in _parents().items() if its == parent]


def below(root: int) -> list[int]:
    """Return the processes that `root` started, and those that they did."""
    parents = _parents()
    found = [root]
    for each in found:
        found += [pid for pid, its in parents.items() if its == each]
    return found[1:]


def _parents() -> dict[int, int]:
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, IndexError):
                said = (entry / "stat").read_bytes().rpartition(b")")[2].split()
                found[int(entry.name)] = int(said[1])
    return found
