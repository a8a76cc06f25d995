"""
Disks of their own for a server's files: small file systems in memory.

They are mounted where a process of ours alone sees them: in a user namespace, which takes no root,
or in a mount namespace of root's. The server is started inside; who wants to see or to fill them
has to go there, too.
"""

import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
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

_BY_ACCOUNT = ("unshare", "--user", "--mount", "--map-current-user", "--keep-caps")
_BY_ROOT = ("unshare", "--mount", "--propagation", "private")

# Each volume is mounted beside the directory that it takes the place of, which is emptied then:
# a server that is started outside by mistake must find nothing to write to. No table of mounts is
# written (-n): it is not the account's. Where root mounts, the account ($as) still handles its own
# files, and the place is looked at once more: a link that it has made must not lead root astray.
_HOLD = """
set -e
owned=$1; as=$2; shift 2
while [ $# -gt 0 ]; do
  place=$1; room=$2; shift 2
  used=$($as du -sm "$place" | cut -f1)
  $as mkdir -p "$TMPDIR/volume"
  mount -n -t tmpfs -o "size=$((used + room))m,mode=0700$owned" stockops "$TMPDIR/volume"
  $as cp -a "$place/." "$TMPDIR/volume/"
  $as find "$place" -mindepth 1 -delete
  mount -n --move "$TMPDIR/volume" "$place"
  cd "$place"
  [ "$(pwd -P)" = "$place" ]
  mountpoint -q .
done
cd /
echo $$
exec sleep infinity
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Volumes:
    """
    The process that holds the volumes, whose they are, and what each takes the place of.

    `by_root`: only root can go there, and becomes the account inside.
    """

    holder: Process
    places: Mapping[str, Path]
    account: Account
    by_root: bool = False

    @property
    def through(self) -> tuple[str, ...]:
        """The program by which something is started inside as the account: by it, or `by_root`."""
        if self.by_root:
            become = (f"--setgid={self.account.gid}", f"--setuid={self.account.uid}")
            return ("nsenter", f"--target={self.holder.pid}", "--mount", *become, "--")
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
            **({} if self.by_root else self.account.switch),
        )
        if ran.returncode != 0:
            raise StockopsError(f"{words[0]} on a disk of the sandbox: {ran.stderr.strip()}")
        return ran.stdout

    def free_kib(self, name: str) -> int:
        """Return how much is free on the volume `name`."""
        said = self.run("df", "--output=avail", "--block-size=1024", str(self.places[name]))
        return int(said.split()[-1])


def why_not() -> str | None:
    """Return why there can be no volumes in a user namespace here; None where there can."""
    who = "an ordinary user may not mount in a namespace of his own"
    return _cannot_mount(_BY_ACCOUNT, accounts.choose("nobody"), who)


def why_not_by_root() -> str | None:
    """Return why there can be no volumes in a mount namespace of root's; None where there can."""
    own = accounts.own()
    if own.uid != 0:
        return f"{own.name!r} is not root, who alone may mount outside of a user namespace"
    return _cannot_mount(_BY_ROOT, own, "root may not mount here")


def _cannot_mount(unshare: Sequence[str], account: Account, refused: str) -> str | None:
    """Return what is missing, or what `refused` the account a mount in a namespace that it made."""
    for program in ("unshare", "nsenter", "setpriv", "mount", "mountpoint", "fallocate"):
        if shutil.which(program) is None:
            return f"there is no {program} (apt-get install util-linux mount)"
    tried = subprocess.run(
        [*unshare, "mount", "-n", "-t", "tmpfs", "stockops", "/mnt"],
        capture_output=True,
        text=True,
        check=False,
        timeout=PROBE_S,
        **account.switch,
    )
    if tried.returncode == 0:
        return None
    said = tried.stderr.strip().splitlines() or [f"exit {tried.returncode}"]
    return f"{refused}: {said[-1]}"


@contextmanager
def held(
    lab: Lab, account: Account, rooms: Mapping[str, tuple[Path, int]], *, by_root: bool
) -> Iterator[Volumes]:
    """
    Put a volume in the place of each directory of `rooms`, which keeps what it holds.

    `rooms` has for each name the directory, and how many MiB shall be free in it; the mounts are
    made `by_root`, or by the `account` in a user namespace. The server of `lab` is down meanwhile,
    and is gone at the end of the block, when the volumes go.
    """
    owned, become = "", ""
    if by_root:
        owned = f",uid={account.uid},gid={account.gid}"
        become = f"setpriv --reuid={account.uid} --regid={account.gid} --clear-groups"
    words: list[str | Path] = [*(_BY_ROOT if by_root else _BY_ACCOUNT)]
    words += ["/bin/sh", "-c", _HOLD, "stockops-volumes", owned, become]
    own = lab.directory.resolve()
    for directory, room_mib in rooms.values():
        words += [own / directory.relative_to(lab.directory), str(room_mib)]
    holder = children.start(
        words,
        cwd=lab.directory,
        log=lab.log_path,
        env=environment(lab.directory),
        pipes="r",
        switch={} if by_root else account.switch,
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
            by_root=by_root,
        )
    finally:
        holder.end()
