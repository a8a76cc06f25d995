"""
Disks of their own for a server's files, without root: small file systems in memory.

They live in a user namespace that a process of ours holds. The server is started inside; who wants
to see or to fill them has to go there, too.
"""

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .. import children
from ..errors import StockopsError
from ..lab import Lab
from ..lab import account as accounts
from ..lab.account import Account
from ..lab.process import environment
from ..processes import Process

READY_S = 60.0
PROBE_S = 10.0

# Each volume is mounted beside the directory that it takes the place of, which is emptied then:
# a server that is started outside by mistake must find nothing to write to. No table of mounts is
# written (-n): it is not the account's.
_HOLD = """
set -e
while [ $# -gt 0 ]; do
  place=$1; room=$2; shift 2
  used=$(du -sm "$place" | cut -f1)
  mkdir -p "$TMPDIR/volume"
  mount -n -t tmpfs -o "size=$((used + room))m,mode=0700" stockops "$TMPDIR/volume"
  cp -a "$place/." "$TMPDIR/volume/"
  find "$place" -mindepth 1 -delete
  mount -n --move "$TMPDIR/volume" "$place"
done
echo $$
exec sleep infinity
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Volumes:
    """The process that holds the volumes, whose they are, and what each takes the place of."""

    holder: Process
    places: Mapping[str, Path]
    account: Account

    @property
    def through(self) -> tuple[str, ...]:
        """The program by which the account of the server starts something inside."""
        inside = ("--user", "--preserve-credentials", "--mount")
        return ("nsenter", f"--target={self.holder.pid}", *inside, "--")

    @property
    def seeing(self) -> tuple[str, ...]:
        """The program by which we start something that sees the volumes, and stays who we are."""
        if not self.account.switch:
            return self.through
        return ("nsenter", f"--target={self.holder.pid}", "--mount", "--")

    def run(self, *words: str) -> str:
        """Run a program inside, as the account; return what it says, raise where it fails."""
        ran = subprocess.run(
            [*self.through, *words],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            timeout=READY_S,
            **self.account.switch,
        )
        if ran.returncode != 0:
            raise StockopsError(f"{words[0]} on a disk of the sandbox: {ran.stderr.strip()}")
        return ran.stdout

    def free_kib(self, name: str) -> int:
        """Return how much is free on the volume `name`."""
        said = self.run("df", "--output=avail", "--block-size=1024", str(self.places[name]))
        return int(said.split()[-1])


def why_not() -> str | None:
    """Return why there can be no volumes here; None where there can."""
    for program in ("unshare", "nsenter", "mount", "fallocate"):
        if shutil.which(program) is None:
            return f"there is no {program} (apt-get install util-linux mount)"
    words = ["unshare", "--user", "--mount", "--map-current-user", "--keep-caps"]
    words += ["mount", "-n", "-t", "tmpfs", "stockops", "/mnt"]
    tried = subprocess.run(
        words,
        capture_output=True,
        text=True,
        check=False,
        timeout=PROBE_S,
        **accounts.choose("nobody").switch,
    )
    if tried.returncode == 0:
        return None
    said = tried.stderr.strip().splitlines() or [f"exit {tried.returncode}"]
    return f"an ordinary user may not mount in a namespace of his own: {said[-1]}"


@contextmanager
def held(lab: Lab, account: Account, rooms: Mapping[str, tuple[Path, int]]) -> Iterator[Volumes]:
    """
    Put a volume in the place of each directory of `rooms`, which keeps what it holds.

    `rooms` has for each name the directory, and how many MiB shall be free in it. The server of
    `lab` is down meanwhile, and is gone at the end of the block, when the volumes go.
    """
    words: list[str | Path] = ["unshare", "--user", "--mount", "--map-current-user", "--keep-caps"]
    words += ["/bin/sh", "-c", _HOLD, "stockops-volumes"]
    for directory, room_mib in rooms.values():
        words += [directory, str(room_mib)]
    holder = children.start(
        words,
        cwd=lab.directory,
        log=lab.log_path,
        env=environment(lab.directory),
        pipes="r",
        switch=account.switch,
    )
    try:
        said = holder.stdout.readline().decode().split()
        if len(said) != 1:
            holder.finish(within_s=READY_S)
            raise StockopsError("the disks of the sandbox could not be made")
        yield Volumes(
            holder=Process.of(int(said[0])),
            places={name: place for name, (place, _) in rooms.items()},
            account=account,
        )
    finally:
        holder.end()
