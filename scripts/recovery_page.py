"""
Renew what the commands say in docs/recovery.md: somebody dropped `orders`, on each engine.

    python scripts/recovery_page.py

The tests tell the same story, and fail where a line of it is not in the page.
"""

import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import transcript
from transcript import Shown

from stockops import audit, migrations, seeding
from stockops import lab as labs
from stockops.engine import connect
from stockops.engine.base import Server
from stockops.errors import Fault, ServerError
from stockops.lab import Lab
from stockops.seeding import SeedPlan
from stockops.targets import Target

TOP = Path(__file__).resolve().parent.parent
PAGE = TOP / "docs" / "recovery.md"
ENGINES = ("postgresql", "mariadb")
SOON_S = 60.0
SEED = SeedPlan(listing="sample", users=60, accounts=100, days=10)
DROP = {
    "postgresql": ["DROP TABLE orders CASCADE"],
    "mariadb": ["SET foreign_key_checks = 0", "DROP TABLE orders"],
}
YAML = """\
default: prod
targets:
  prod: {{url: "{url}", protected: true}}
backup: {{repository: {repository}}}
"""


@dataclass(slots=True)
class Story:
    """A server with archiving, what was done to it, and what the commands said meanwhile."""

    lab: Lab
    work: Path
    shown: dict[str, Shown] = field(default_factory=dict)
    aim: str = ""

    @property
    def target(self) -> Target:
        """The server, as one connects to it without a file of targets."""
        return Target(name="prod", url=self.lab.url(), lab=self.lab.name)

    @property
    def desk(self) -> Path:
        """Where the DBA types: the file of targets is there."""
        return self.work / "ops"

    @property
    def repository(self) -> Path:
        """Where the backups and the log go."""
        return self.work / "repository"

    @property
    def journal(self) -> Path:
        """What the client wrote down of its orders."""
        return self.work / "client" / "orders-journal"

    def run(self, command: str, *, code: int | None = 0) -> Shown:
        """Run a command of stockops as the DBA would, and return what it said."""
        return transcript.run(command, folder=self.desk, environment=self.environment, code=code)

    def show(self, name: str, command: str) -> Shown:
        """Run a command that the page shows as `name`."""
        self.shown[name] = self.run(command)
        return self.shown[name]

    @property
    def environment(self) -> dict[str, str]:
        """What the commands find around them: labs of their own."""
        here = {"STOCKOPS_LABS": str(self.work / "labs"), "PYTHONPATH": str(TOP / "src")}
        kept = {name: text for name, text in os.environ.items() if not name.startswith("PG")}
        return {**kept, **here}

    @contextmanager
    def running(self, command: str, place: Path) -> "Iterator[subprocess.Popen[bytes]]":
        """Run a command beside, until the block ends."""
        with (self.work / "beside.log").open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "stockops", *shlex.split(command)],
                cwd=place,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            try:
                yield child
            finally:
                if child.poll() is None:
                    child.send_signal(signal.SIGINT)
                child.wait(SOON_S)


@contextmanager
def story(
    engine: str,
    work: Path,
    *,
    seed: SeedPlan = SEED,
    prepare: Callable[[Target], None] = lambda _: None,
) -> Iterator[Story]:
    """
    Give a server of `engine` whose log is archived, with a backup of what `prepare` left.

    `work` must be such that the user of the server may pass it.
    """
    with labs.temporary(engine) as lab:
        told = Story(lab, work)
        migrations.up(told.target)
        seeding.run(told.target, seed)
        with connect(told.target) as server:
            last = server.rows("SELECT max(price_date) AS day FROM stock_prices")[0]["day"]
            audit.fold(server, last)
        prepare(told.target)
        for name in ("ops", "client"):
            (work / name).mkdir()
        (told.desk / "stockops.yaml").write_text(
            YAML.format(url=lab.url(), repository=told.repository), "utf-8"
        )
        told.run("backup init")
        with told.running("backup archive run", told.desk):
            _until(lambda: any(told.repository.rglob("*.partial")) or _binlogs(told))
            told.show("take", "backup take --label nightly")
            yield told


def _binlogs(told: Story) -> bool:
    return any(told.repository.glob("spool/*/*/binlog.*"))


def disaster(told: Story) -> None:
    """Place orders, and drop their table in the middle."""
    command = f"trade run -t {told.lab.url()} --clients 2 --seconds 60 --journal orders-journal"
    with told.running(command, told.work / "client") as load, connect(told.target) as server:
        _until(lambda: _orders(told) > 300 or load.poll() is not None)
        if load.poll() is not None:
            raise RuntimeError((told.work / "beside.log").read_text("utf-8"))
        for statement in DROP[told.lab.engine]:
            _until(lambda statement=statement: _done(server, statement))
        load.wait(SOON_S)  # no order can be placed any more


def recovery(told: Story) -> None:
    """Do what the page shows, up to the table beside the live one."""
    _until(lambda: told.run("backup find --drop-table orders", code=None).code == 0)
    found = told.show("find", "backup find --drop-table orders")
    match = re.search(r"--to (\S+)", found.said)
    told.aim = match[1] if match else ""
    told.show("plan", f"backup restore --to {told.aim} --lab rescued --plan")
    told.show("restore", f"backup restore --to {told.aim} --lab rescued")
    told.show("audit", "trade audit ../client/orders-journal -t rescued")
    told.show("books", "books check -t rescued")
    wanted = f"backup restore --to {told.aim} --table orders --as orders_1430 -t prod"
    told.show("rescue", f"{wanted} --i-mean prod")


def back_in_place(told: Story) -> None:
    """Bring the table that is gone back in its own place, as the page shows it."""
    wanted = f"backup restore --to {told.aim} --table orders -t prod"
    told.show("whole", f"{wanted} --i-mean prod")


def _done(server: Server, statement: str) -> bool:
    """Tell whether the statement was done: among orders it may be the victim of a deadlock."""
    try:
        server.execute(statement)
    except ServerError as exc:
        if exc.fault is not Fault.RETRY:
            raise
        return False
    return True


def _orders(told: Story) -> int:
    with connect(told.target) as server:
        return int(server.rows("SELECT count(*) AS n FROM orders")[0]["n"])


def _until(ask: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SOON_S
    while not ask():
        if time.monotonic() > deadline:
            raise RuntimeError(f"it did not happen within {SOON_S:.0f} s")
        time.sleep(0.2)


@contextmanager
def workplace() -> Iterator[Path]:
    """Give a directory that every user may pass; what is in it is closed by itself."""
    with tempfile.TemporaryDirectory(prefix="stockops-recovery-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)
        environment = {**os.environ, "STOCKOPS_LABS": f"{folder}/labs"}
        environment["PYTHONPATH"] = str(TOP / "src")
        subprocess.run(
            [sys.executable, "-m", "stockops", "lab", "destroy", "--name", "rescued", "--yes"],
            env=environment,
            capture_output=True,
            timeout=SOON_S,
            check=False,
        )


def console(shown: Shown) -> str:
    """Return a command and what it said, as a terminal shows it; of the books only the verdict."""
    if not shown.command.startswith("books"):
        return transcript.console(shown)
    lines = transcript.console(shown).splitlines()
    lines = ["..." if each.startswith("held") else each for each in lines]
    return "\n".join(
        each for each, before in zip(lines, ["", *lines], strict=False) if each != before
    )


def main() -> None:
    """Tell the story on each engine, and write down what was said."""
    told: dict[str, Mapping[str, Shown]] = {}
    for engine in ENGINES:
        with workplace() as work, story(engine, work) as each:
            disaster(each)
            recovery(each)
            back_in_place(each)
            told[engine] = each.shown
    text = transcript.renewed(PAGE.read_text("utf-8"), told, shown_as=console)
    PAGE.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
