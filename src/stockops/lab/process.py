"""Start, watch and stop the processes of a lab."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO
from weakref import WeakSet

from ..errors import Fault, ServerError
from .account import Account

POLL_S = 0.02
KEEPER_S = 60.0
POLITE_S = 2.0
TAIL_LINES = 12
TAIL_BYTES = 64 * 1024

# The server is a child of this shell, and a reader beside it holds the other end of a pipe of ours.
# When stockops goes, however it goes, the pipe closes and the reader stops the server. A word on
# the pipe releases the server: the shell leaves and the server stays. When the server ends by
# itself, so does the shell. (A shell gives its background jobs /dev/null to read: hence 3.)
_KEEPER = """
stop=$1; shift
exec 3<&0 </dev/null
"$@" 3<&- &
server=$!
{ if read -r _ <&3; then kill -s TERM $$; else kill -s "$stop" "$server"; fi; } &
reader=$!
exec 3<&-
wait "$server"
code=$?
kill "$reader"
exit "$code"
"""

# A tool that sets up a data directory: it ends when stockops goes, and so does all it started.
# MariaDB hears no TERM while it bootstraps, so a KILL follows: what it made is thrown away anyway.
_LEASH = """
exec 3<&0 </dev/null
"$@" 3<&- &
tool=$!
{ read -r _ <&3 || { trap '' TERM; kill -s TERM 0; sleep 0.5; kill -s KILL 0; }; } &
reader=$!
exec 3<&-
wait "$tool"
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
        shell = _spawn([*words, *map(str, argv)], account, cwd, output)
    return Keeper(shell)


def run_tool(
    argv: Sequence[str | Path], *, account: Account, cwd: Path, log: Path, within_s: float
) -> None:
    """Run `argv` as `account` to its end; raise `ServerError` with the log's end if it fails."""
    words = ["/bin/sh", "-c", _LEASH, "stockops-lab", *map(str, argv)]
    with log.open("ab") as output:
        shell = _spawn(words, account, cwd, output)
    try:
        code = shell.wait(within_s)
    except BaseException as exc:
        _end(shell)
        if isinstance(exc, subprocess.TimeoutExpired):
            raise failed(f"{argv[0]} took longer than {within_s:.0f} s", log) from None
        raise
    finally:
        if shell.stdin is not None:
            shell.stdin.close()
    if code != 0:
        raise failed(f"{argv[0]} left with code {code}", log)


def _end(shell: "subprocess.Popen[bytes]") -> None:
    """End a tool and all it started: told first, killed after `POLITE_S`."""
    os.killpg(shell.pid, signal.SIGTERM)
    shell.wait()
    if not wait_until(lambda: _is_gone(shell.pid), within_s=POLITE_S):
        with suppress(ProcessLookupError):
            os.killpg(shell.pid, signal.SIGKILL)
        wait_until(lambda: _is_gone(shell.pid), within_s=POLITE_S)


def _is_gone(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def _spawn(
    words: Sequence[str], account: Account, cwd: Path, output: IO[bytes]
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        words,
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=output,
        cwd=cwd,
        env=environment(cwd),
        start_new_session=True,  # Ctrl-C in the terminal is for stockops, which then stops it
        umask=0o077,
        **account.switch,
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


def failed(what: str, log: Path) -> ServerError:
    """Return the error for `what`, which names `log` and ends with its last lines."""
    lines = tail(log)
    said = "".join(f"\n    {line}" for line in lines)
    return ServerError(
        f"{what}; the log {str(log)!r} ends with:{said}" if lines else f"{what}; {log} is empty",
        fault=Fault.FULL if _says_full(lines) else Fault.OTHER,
        code="",
        hint=f"Read the log: less {log}",
    )


def _says_full(lines: Sequence[str]) -> bool:
    return any("No space left on device" in line for line in lines)


def tail(log: Path) -> list[str]:
    """Return the last lines of `log`; none where there is no log."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return []
    return [line for line in text.splitlines() if line.strip()][-TAIL_LINES:]


def wait_until(ask: Callable[[], bool], *, within_s: float) -> bool:
    """Ask until it is so; False when `within_s` has passed and it never was."""
    deadline = time.monotonic() + within_s
    while not ask():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True
