"""
Renew what the commands say in docs/performance.md: one slow query, from the log to the proof.

    python scripts/performance_page.py

Takes some minutes on each engine; other work on the machine weighs on what is measured.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import transcript
from transcript import Shown

from stockops import audit
from stockops import lab as labs
from stockops.engine import connect
from stockops.settings import reloading
from stockops.targets import Target

TOP = Path(__file__).resolve().parent.parent
PAGE = TOP / "docs" / "performance.md"
LAB = "desk"
ORDERS = 60_000
LOAD_S = 20
LOOKS = 40
CALLS_A_DAY = 23_400  # once a second, from 09:00 to 15:30
# The ten issues of which most was traded within a second, as a screen on the floor asks for them.
SCREEN = (
    "SELECT symbol, count(*) AS trades, sum(value_won) AS value_won FROM trades "
    "WHERE traded_at >= '{since}' AND traded_at < '{until}' "
    "GROUP BY symbol ORDER BY value_won DESC, symbol LIMIT 10"
)
INDEX = "CREATE INDEX trades_traded_ix ON trades (traded_at)"
INSTANT = {"postgresql": "%Y-%m-%d %H:%M:%S.%f+00", "mariadb": "%Y-%m-%d %H:%M:%S.%f"}
# What the DBA sets: everything is written down, for as long as it takes to see.
LOGGING = {
    "postgresql": [
        "CREATE ROLE screen LOGIN IN ROLE stockops_read",
        "ALTER SYSTEM SET log_min_duration_statement = 0",
    ],
    "mariadb": [
        "CREATE USER screen@localhost",
        "GRANT stockops_read TO screen@localhost",
        "SET DEFAULT ROLE stockops_read FOR screen@localhost",
        "SET GLOBAL long_query_time = 0",
    ],
}
LIVE = {
    "postgresql": INDEX.replace("INDEX", "INDEX CONCURRENTLY", 1),
    "mariadb": f"{INDEX} ALGORITHM = INPLACE LOCK = NONE",
}
_PROGRESS = re.compile(r"\w+, turn \d+ of \d+: ")


@dataclass(slots=True)
class Story:
    """A lab with trades in it, the folder somebody works in, and what the commands said."""

    engine: str
    folder: Path
    shown: dict[str, Shown] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What the commands find around them: labs of their own."""
        kept = {name: text for name, text in os.environ.items() if not name.startswith("PG")}
        return {**kept, "PYTHONPATH": str(TOP / "src")}

    @property
    def target(self) -> Target:
        """The lab."""
        return Target(name=LAB, url=labs.require(LAB).url(), lab=LAB)

    @property
    def screen(self) -> Target:
        """The lab, as the screen connects to it: with a role that may read."""
        url = urlsplit(self.target.url)
        return replace(
            self.target,
            url=url._replace(netloc=url.netloc.replace("stockops@", "screen@")).geturl(),
        )

    @property
    def log(self) -> Path:
        """The log that the server writes of slow statements."""
        lab = labs.require(LAB)
        return lab.data / "slow.log" if self.engine == "mariadb" else lab.log_path

    def run(self, command: str, *, code: int | None = 0) -> Shown:
        """Run a command of stockops as the DBA would."""
        return transcript.run(command, folder=self.folder, environment=self.environment, code=code)

    def show(self, name: str, command: str, *, code: int | None = 0) -> Shown:
        """Run a command that the page shows as `name`."""
        self.shown[name] = self.run(command, code=code)
        return self.shown[name]

    @contextmanager
    def loaded(self) -> Iterator[None]:
        """Place orders while the block runs."""
        command = f"trade run -t {LAB} --clients 2 --seconds {LOAD_S} --no-journal"
        child = subprocess.Popen(
            [sys.executable, "-m", "stockops", *command.split()],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield
        finally:
            child.wait(transcript.TIMEOUT_S)

    def look(self) -> None:
        """Ask what the screen asks, over and over, while orders are placed."""
        with self.loaded(), connect(self.screen) as server:
            for _ in range(LOOKS):
                last: datetime = server.rows("SELECT max(traded_at) AS at FROM trades")[0]["at"]
                since, until = (
                    (last - timedelta(seconds=back)).strftime(INSTANT[self.engine])
                    for back in (2, 1)
                )
                server.rows(SCREEN.format(since=since, until=until))
                time.sleep(LOAD_S / LOOKS / 2)


def tell(story: Story) -> None:
    """Do what the page shows, in its order."""
    story.run(f"migrate up -t {LAB}")
    story.run(f"seed run -t {LAB} --users 500 --accounts 1000 --days 20")
    story.run(f"trade run -t {LAB} --clients 2 --orders {ORDERS} --batch 500 --no-journal")
    with connect(story.target) as server:
        last = server.rows("SELECT max(business_date) AS day FROM trades")[0]["day"]
        audit.fold(server, last - timedelta(days=1))
        for statement in LOGGING[story.engine]:
            server.execute(statement)
        if story.engine == "postgresql":
            reloading.reload(server)
    began = story.log.stat().st_size
    story.look()
    logged = _copy(story.log, story.folder / "before.log", began)
    story.show("digest", "slow digest before.log --user screen")
    classes = json.loads(story.run("slow digest before.log --format json").said)["classes"]
    name = next(each["class_id"] for each in classes if "value_won" in each["text"])
    story.show("explain", f"slow explain {name} before.log -t {LAB}", code=None)
    story.show(
        "compare",
        f"index compare -t {LAB} --query {name} --log before.log "
        f"--calls-per-day {CALLS_A_DAY} --index '{INDEX}'",
        code=None,
    )
    story.run("slow snapshot before.json before.log --user screen")
    with connect(story.target) as server:
        server.execute(LIVE[story.engine])
    story.look()
    _copy(story.log, story.folder / "after.log", logged)
    story.run("slow snapshot after.json after.log --user screen")
    story.show("proof", "slow compare before.json after.json")
    story.show("audit", f"index audit -t {LAB} --only unused --only redundant", code=None)
    story.show("books", f"books check -t {LAB}")


def _copy(log: Path, to: Path, since: int) -> int:
    """Copy what was written to `log` from byte `since` on; return where it ends."""
    with log.open("rb") as source, to.open("wb") as target:
        source.seek(since)
        shutil.copyfileobj(source, target)
        return source.tell()


def console(shown: Shown) -> str:
    """Return a command and what it said, without the line a minute that says how far it is."""
    lines = transcript.console(shown).splitlines()
    return "\n".join(line for line in lines if not _PROGRESS.match(line))


def main() -> None:
    """Tell the story on each engine, and write down what was said."""
    told: dict[str, Mapping[str, Shown]] = {}
    with tempfile.TemporaryDirectory(prefix="stockops-performance-") as folder:
        Path(folder).chmod(0o711)
        os.environ["STOCKOPS_LABS"] = f"{folder}/labs"
        for engine in sorted(LOGGING, reverse=True):
            work = Path(folder) / engine
            work.mkdir()
            labs.up(LAB, engine=engine)
            try:
                story = Story(engine, work)
                tell(story)
                told[engine] = story.shown
            finally:
                labs.destroy(LAB)
    text = transcript.renewed(PAGE.read_text("utf-8"), told, shown_as=console)
    PAGE.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
