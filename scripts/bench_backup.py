"""
How long backups take, beside the engine's own tools and a shell doing the same steps.

`measure` is called by scripts/bench.py. By itself: ``python scripts/bench_backup.py [ENGINE ...]``,
which starts a lab of each engine, seeds it, measures, and prints JSON. Both sides write to the same
file system, compress with zstd 3 on two threads, and sync what they wrote. Every backup is kept to
the end: a disk may take a second longer for 200 MB where nothing was written before than in place
of what was removed.
"""

import dataclasses
import functools
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from stockops import lab as labs
from stockops import migrations, seeding
from stockops.backups import drilling, owing, repository, restoring, taking, verifying
from stockops.backups.manifest import Manifest
from stockops.backups.repository import Repository
from stockops.lab import Fill, Lab
from stockops.lab.account import Account
from stockops.listing import sources
from stockops.seeding import SeedPlan
from stockops.targets import Target

USERS = 350_000  # with two accounts each about 1 GB on either engine
TAKES, ROUNDS = 5, 3  # rounds of takes, and of the rest
_TIMEOUT_S = 1800.0
Answer = TypeVar("Answer")
_PACK = "zstd -q -3 -T2 -c"


@dataclasses.dataclass(frozen=True, slots=True)
class Compared:
    """What ours took beside theirs in each round, in seconds, and what no ratio should pass."""

    what: str
    theirs: str
    rounds_s: Sequence[tuple[float, float]]
    goal: float

    @property
    def ratio(self) -> float:
        """How many times as long ours takes, of the rounds the median."""
        return statistics.median(ours / theirs for ours, theirs in self.rounds_s)

    @property
    def medians_s(self) -> tuple[float, float]:
        """What ours took, and theirs."""
        ours, theirs = zip(*self.rounds_s, strict=True)
        return statistics.median(ours), statistics.median(theirs)


@dataclasses.dataclass(frozen=True, slots=True)
class Figures:
    """What was measured on one engine. Sizes in bytes, memory in KiB."""

    engine: str
    data_bytes: int
    stored_bytes: int
    compared: Sequence[Compared]
    hash_s: float
    unchanged_verify_s: float
    drill_s: float
    levels_s: Mapping[str, float]
    peak_memory_kib: Mapping[str, int]


def measure(engine: str, *, users: int = USERS) -> Figures:
    """Seed a lab of `engine`, and measure."""
    with labs.temporary(engine) as lab, tempfile.TemporaryDirectory() as folder:
        target = Target(name="bench", url=lab.url(), lab=lab.name)
        migrations.up(target)
        repo = repository.make(f"{folder}/repository")
        small = _peak_kib(target, repo)
        plan = SeedPlan(users=users, accounts=2 * users, days=250)
        seeding.load(target, seeding.prepare(target, plan, sources.read), lambda _: None)
        _note(f"{engine}: seeded")
        return _Bench(lab, target, repo, Path(folder)).run(small)


@dataclasses.dataclass(slots=True)
class _Bench:
    """One seeded server, and where things are written."""

    lab: Lab
    target: Target
    repo: Repository
    folder: Path
    bare: list[Path] = dataclasses.field(default_factory=list)

    def run(self, small_kib: int) -> Figures:
        first, hash_s = self._first()
        later, said = self._takes()
        path = Path(self.repo.store.place) / "backups" / said.system / said.id
        verified = self._verifies(path)
        unchanged_s, _ = _timed(lambda: verifying.verify(self.repo, self._last()))
        drilled, levels = self._drill(said)
        return Figures(
            engine=self.lab.engine,
            data_bytes=said.raw_bytes,
            stored_bytes=said.stored_bytes,
            compared=[
                Compared("take, the first one", "the bare tool, zstd", first, 1.15),
                Compared("take, a later one", "the bare tool, zstd", later, 1.15),
                Compared("verify, every byte", "sha256sum", verified, 1.2),
                Compared("drill", "those steps by hand, with what L3 and L4 took", drilled, 1.25),
            ],
            hash_s=hash_s,
            unchanged_verify_s=unchanged_s,
            drill_s=statistics.median(ours for ours, _ in drilled),
            levels_s=levels,
            peak_memory_kib={"empty": small_kib, "full": _peak_kib(self.target, self.repo)},
        )

    def _first(self) -> tuple[list[tuple[float, float]], float]:
        """Return what first backups take, each in a new repository, and their hashes then."""

        def take(repo: Repository) -> float:
            return _timed(lambda: taking.take(repo, self.target, taking.Request()))[0]

        def hash_rows(repo: Repository) -> float:
            return _timed(lambda: owing.pay(repo, self.target))[0]

        rounds, hashes = [], []
        for number in range(TAKES):
            repo = repository.make(f"{self.folder}/first{number}")
            rounds.append(self._in_turn(number, functools.partial(take, repo)))
            hashes.append(hash_rows(repo))
            _note(f"{self.lab.engine}: first take, bare: {_told(rounds[-1])}")
            _note(f"{self.lab.engine}: hashed afterwards in {hashes[-1]:.1f} s")
        take(self.repo)
        hash_rows(self.repo)
        return rounds, statistics.median(hashes)

    def _in_turn(self, number: int, take: Callable[[], float]) -> tuple[float, float]:
        """Return what ours took and the bare tool; who goes second finds the disk busier."""
        if number % 2:
            theirs = self._bare()
            return take(), theirs
        ours = take()
        return ours, self._bare()

    def _bare(self) -> float:
        bare = self.folder / f"bare{len(self.bare)}.zst"
        self.bare.append(bare)
        return self._shell(f"{self._tool()} | {_PACK} > {bare} && sync {bare}")

    def _takes(self) -> tuple[list[tuple[float, float]], Manifest]:
        said = []

        def take() -> float:
            seconds, written = _timed(lambda: taking.take(self.repo, self.target, taking.Request()))
            said.append(written)
            return seconds

        rounds = []
        for number in range(TAKES):
            rounds.append(self._in_turn(number, take))
            _note(f"{self.lab.engine}: take, bare: {_told(rounds[-1])}")
        return rounds, said[-1]

    def _tool(self) -> str:
        if self.lab.engine == "postgresql":
            words: list[str | Path] = [self.lab.programs / "pg_basebackup", "-D", "-", "-F", "tar"]
            words += ["-X", "fetch", "-c", "fast", "-w", "-d", self.target.url]
        else:
            words = ["mariadb-backup", "--no-defaults", "--backup", "--stream=mbstream"]
            words += [f"--socket={self.lab.socket}", f"--user={self.lab.owner}"]
            words += [f"--target-dir={self.folder}/stream"]
        return shlex.join(map(str, words))

    def _verifies(self, path: Path) -> list[tuple[float, float]]:
        return [
            (
                _timed(lambda: verifying.verify(self.repo, self._last(), again=True))[0],
                self._shell(f"sha256sum {path}/*"),
            )
            for _ in range(ROUNDS)
        ]

    def _last(self) -> list[repository.Backup]:
        return self.repo.backups()[-1:]

    def _drill(self, said: Manifest) -> tuple[list[tuple[float, float]], dict[str, float]]:
        """Return what each took, and the levels of the last."""
        rounds, levels = [], {}
        recovery = restoring.plan(self.repo, restoring.Aim("backup"), system=said.system)
        for _ in range(ROUNDS):
            drilled = drilling.drill(self.repo, recovery)
            if not drilled.passed:
                raise SystemExit(drilled.summary)
            levels = {level.name: level.seconds for level in drilled.levels}
            by_hand_s, _ = _timed(lambda: self._by_hand(self.bare[-1]))
            rounds.append((drilled.seconds, by_hand_s + levels["L3"] + levels["L4"]))
            _note(f"{self.lab.engine}: drill, by hand: {_told(rounds[-1])}")
        return rounds, levels

    def _by_hand(self, bare: Path) -> None:
        """Restore, check and prove structures as a person would, by the engine's own tools."""
        with labs.temporary(self.lab.engine, fill=Fill(_unpacked(bare), self._owner())) as copy:
            labs.stop(copy)
            as_account = copy.user if os.geteuid() == 0 else None
            if copy.engine == "postgresql":
                pages = f"{copy.programs}/pg_checksums --check -D {copy.data}"
                structures = f"{copy.programs}/pg_amcheck --all --install-missing --heapallindexed "
                structures += f"--parent-check --jobs=2 -w -h {copy.sockets} -U {copy.owner}"
            else:
                files = f"find {copy.data} -name '*.ibd' -o -name 'undo0*'"
                pages = f"for file in $({files}); do innochecksum $file || exit 1; done"
                structures = f"mariadb-check --no-defaults --socket={copy.socket} "
                structures += f"--user={copy.owner} --all-databases --extended --check"
            self._shell(pages, user=as_account)
            labs.start(copy)
            self._shell(structures, user=as_account)

    def _owner(self) -> str | None:
        return self.lab.owner if self.lab.engine == "postgresql" else None

    def _shell(self, line: str, *, user: str | None = None) -> float:
        began = time.monotonic()
        done = subprocess.run(
            ["/bin/bash", "-o", "pipefail", "-c", line],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
            user=user,
            cwd="/",
        )
        if done.returncode:
            raise SystemExit(f"{line}: {done.stderr[-2000:]}")
        return time.monotonic() - began


def _unpacked(bare: Path) -> Callable[[Lab, Account], Mapping[str, str]]:
    def put(lab: Lab, account: Account) -> Mapping[str, str]:
        if lab.engine == "postgresql":
            line = f"tar -x -C {lab.data} && {lab.programs}/pg_verifybackup -q {lab.data}"
        else:
            prepare = "mariadb-backup --no-defaults --prepare --use-memory=256M"
            line = f"mbstream -x -C {lab.data} && {prepare} --target-dir={lab.data}"
        with bare.open("rb") as stored:
            subprocess.run(
                ["/bin/bash", "-o", "pipefail", "-c", f"zstd -q -dc | ({line})"],
                stdin=stored,
                capture_output=True,
                timeout=_TIMEOUT_S,
                check=True,
                cwd=lab.data,
                **account.switch,
            )
        return {}

    return put


def _told(seconds: tuple[float, float]) -> str:
    return " and ".join(f"{each:.1f} s" for each in seconds)


def _timed(do: Callable[[], Answer]) -> tuple[float, Answer]:
    began = time.monotonic()
    answer = do()
    return time.monotonic() - began, answer


def _peak_kib(target: Target, repo: Repository) -> int:
    """Return the most memory that a take of its own process, and its tools, had at once."""
    words = [sys.executable, "-m", "stockops", "backup", "take", "-t", target.url]
    words += ["--repository", repo.store.place]
    child = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"{shlex.join(words)} left with {status}")
    return usage.ru_maxrss


def section(figures: Sequence[Figures]) -> list[str]:
    """Return the lines of docs/benchmarks.md."""
    lines = [
        "A seeded database of about 1 GB; medians of the rounds, in seconds, and of the ratios "
        "within each. The first backup of a database leaves the hashes of large tables to "
        "`backup hash`, later ones hash what is new. Either side writes every backup into new "
        "space of the disk.",
        "",
        "| engine | what | ours | against | theirs | ratio | goal | |",
        "|---|---|---:|---|---:|---:|---:|---|",
    ]
    for each in figures:
        for one in each.compared:
            verdict = "reached" if one.ratio <= one.goal else "**missed**"
            ours_s, theirs_s = one.medians_s
            lines.append(
                f"| {each.engine} | {one.what} | {ours_s:.1f} | {one.theirs} "
                f"| {theirs_s:.1f} | {one.ratio:.2f} | {one.goal:.2f} | {verdict} |"
            )
    lines += [
        "",
        "| engine | data MB | stored MB | hashes of the first, later | nothing-changed verify "
        "(goal 2 s) | drill (goal 60 s) | peak memory of take MB: empty database | this one |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for each in figures:
        memory = each.peak_memory_kib
        lines.append(
            f"| {each.engine} | {each.data_bytes >> 20:,} | {each.stored_bytes >> 20:,} "
            f"| {each.hash_s:.1f} s | {each.unchanged_verify_s:.2f} s | {each.drill_s:.1f} s "
            f"| {memory['empty'] >> 10} | {memory['full'] >> 10} |"
        )
    return lines


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Measure the engines that were named, or both, and print JSON."""
    for engine in sys.argv[1:] or ["postgresql", "mariadb"]:
        found = measure(engine)
        print(json.dumps(dataclasses.asdict(found), indent=2))
        _note("\n".join(section([found])))


if __name__ == "__main__":
    main()
