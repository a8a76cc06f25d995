"""Start, watch and stop the processes of a lab."""

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from weakref import WeakSet

from .. import children
from .account import Account

KEEPER_S = 60.0

# The server is a child of this shell, and a reader beside it holds the other end of a pipe of ours.
# When stockops goes, however it goes, the pipe closes and the reader stops the server. A word on
# the pipe releases the server: the shell leaves and the server stays. When the server ends by
# itself, so does the shell. MariaDB 10.11 hangs when it is told to stop in the first half second
# of its start, hence the KILL after ten seconds. (A shell gives its background jobs /dev/null to
# read: hence 3.)
_KEEPER = """
stop=$1; shift
exec 3<&0 </dev/null
"$@" 3<&- &
server=$!
{ if read -r _ <&3; then kill -s TERM $$; else
  kill -s "$stop" "$server"
  waited=0
  while kill -s 0 "$server"; do
    sleep 0.5
    waited=$((waited + 1))
    [ "$waited" -lt 20 ] || kill -s KILL "$server"
  done
fi; } 2>/dev/null &
reader=$!
exec 3<&-
wait "$server"
code=$?
kill "$reader"
exit "$code"
"""


class Keeper:
    """Holds a server that is stopped when this process ends, until it is released."""

    def __init__(self, shell: "subprocess.Popen[bytes]") -> None:
        self._shell = shell
        _keepers.add(self)

    @property
    def ended(self) -> bool:
        """Whether the server has ended by itself."""
        return self._shell.poll() is not None

    def release(self) -> None:
        """Let the server outlive this process."""
        self._leave(b"released\n")

    def drop(self) -> None:
        """Stop the server if it still runs, and wait. Dropping twice does nothing."""
        self._leave(b"")

    def forget(self) -> None:
        """Close the pipe in a child of this process, which must not hold the server."""
        if self._shell.stdin is not None:
            self._shell.stdin.close()

    def _leave(self, word: bytes) -> None:
        pipe = self._shell.stdin
        if pipe is not None and not pipe.closed:
            with suppress(BrokenPipeError):
                pipe.write(word)
            with suppress(BrokenPipeError):
                pipe.close()
        try:
            self._shell.wait(KEEPER_S)
        except subprocess.TimeoutExpired:  # the server does not stop when told
            os.killpg(self._shell.pid, signal.SIGKILL)
            self._shell.wait()


_keepers: "WeakSet[Keeper]" = WeakSet()


def _forget_keepers() -> None:
    for keeper in _keepers:
        keeper.forget()


os.register_at_fork(after_in_child=_forget_keepers)


def start_server(
    argv: Sequence[str | Path], *, account: Account, cwd: Path, log: Path, stop: signal.Signals
) -> Keeper:
    """Start a server as `account`, its output appended to `log`; `stop` is its polite signal."""
    words = ["/bin/sh", "-c", _KEEPER, "stockops-lab", stop.name.removeprefix("SIG")]
    with log.open("ab") as output:
        shell = subprocess.Popen(
            [*words, *map(str, argv)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            cwd=cwd,
            env=environment(cwd),
            start_new_session=True,  # Ctrl-C in the terminal is for stockops, which then stops it
            umask=0o077,
            **account.switch,
        )
    return Keeper(shell)


def run_tool(
    argv: Sequence[str | Path], *, account: Account, cwd: Path, log: Path, within_s: float
) -> None:
    """Run `argv` as `account` to its end; raise `ServerError` with the log's end if it fails."""
    children.run(
        argv,
        cwd=cwd,
        log=log,
        env=environment(cwd),
        within_s=within_s,
        switch=account.switch,
    )


def environment(home: Path) -> dict[str, str]:
    """Return the environment of a lab's processes: nothing of the user's PG* or MYSQL* reaches."""
    path = os.environ.get("PATH", os.defpath)
    return {
        "PATH": f"{path}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin",
        "HOME": str(home),
        "TMPDIR": str(home / "tmp"),  # no option: mariadb-install-db breaks words at blanks
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }
