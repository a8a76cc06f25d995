"""
Programs that run for us, and end when we do, however we end.

Each has a session of its own, so that Ctrl-C in a terminal reaches stockops alone, which then ends
it; and it hangs on a pipe of ours, so that it and all it started are gone when stockops is killed.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any
from weakref import WeakSet

from .errors import Fault, ServerError

POLL_S = 0.02
POLITE_S = 2.0
TAIL_LINES = 12
TAIL_BYTES = 64 * 1024
FULL_BYTES = 64 * 1024  # what is left of a disk on which there was no room for more

# The program is a child of this shell, and a reader beside it holds the other end of a pipe of
# ours: when that closes, both go. What is hard of hearing (MariaDB as it bootstraps) gets a KILL.
# (A shell gives its background jobs /dev/null to read, hence 4; it knows no file number above 9
# by number, hence the name.)
_LEASH = """
exec 3<"/dev/fd/$1" 4<&0 </dev/null
shift
"$@" 3<&- <&4 4<&- &
tool=$!
exec 4<&-
{ read -r _ <&3 || { trap '' TERM; kill -s TERM 0; sleep 0.5; kill -s KILL 0; }; } >/dev/null &
reader=$!
exec 3<&-
wait "$tool"
code=$?
kill "$reader"
exit "$code"
"""


class Child:
    """A program that runs for us. What it says on stderr is appended to `log`."""

    def __init__(self, shell: "subprocess.Popen[bytes]", leash: int, name: str, log: Path) -> None:
        self._shell = shell
        self._leash: int | None = leash
        self._name = name
        self._log = log
        _children.add(self)

    @property
    def pid(self) -> int:
        """The number of its process group."""
        return self._shell.pid

    @property
    def stdin(self) -> IO[bytes]:
        """What it reads, where it was started to be fed."""
        return _there(self._shell.stdin)

    @property
    def stdout(self) -> IO[bytes]:
        """What it writes, where it was started to be read."""
        return _there(self._shell.stdout)

    @property
    def code(self) -> int | None:
        """What it left with; None while it runs."""
        return self._shell.poll()

    @property
    def lives(self) -> bool:
        """Whether it, or anything in its process group, runs."""
        return not self._is_gone()

    def tell(self, number: int) -> None:
        """Send the signal `number` to all of its process group; whoever is gone hears nothing."""
        with suppress(ProcessLookupError):
            os.killpg(self._shell.pid, number)

    def finish(self, *, within_s: float) -> None:
        """Wait for its end; raise `ServerError` with its last words if that is not a good one."""
        try:
            code = self._shell.wait(within_s)
        except subprocess.TimeoutExpired:
            self.end()
            raise failed(f"{self._name} took longer than {within_s:.0f} s", self._log) from None
        self._let_go()
        if code != 0:
            raise failed(f"{self._name} left with code {code}", self._log)

    def end(self) -> None:
        """End it and all it started: told first, killed after `POLITE_S`. Twice does nothing."""
        self.tell(signal.SIGTERM)
        if not wait_until(self._is_gone, within_s=POLITE_S):
            self.tell(signal.SIGKILL)
            wait_until(self._is_gone, within_s=POLITE_S)
        self._let_go()

    def forget(self) -> None:
        """Close the leash in a child of this process, which must not hold the program."""
        if self._leash is not None:
            os.close(self._leash)
            self._leash = None

    def _is_gone(self) -> bool:
        gone = not members(self._shell.pid)
        self._shell.poll()  # after the look: what has just ended is taken note of, too
        return gone

    def _let_go(self) -> None:
        self.forget()
        for pipe in (self._shell.stdin, self._shell.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()


def members(group: int) -> list[int]:
    """
    Return the processes of `group` that are more than an entry in a table.

    One that has ended stays there until somebody takes note, which in a container can take long.
    """
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(OSError, IndexError):
            # The name in parentheses may hold anything: fields count from the last one.
            said = (entry / "stat").read_bytes().rpartition(b")")[2].split()
            if said[0] not in {b"Z", b"X"} and int(said[2]) == group:
                found.append(int(entry.name))
    return found


def _there(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise ValueError("the program was started without this pipe")
    return pipe


_children: "WeakSet[Child]" = WeakSet()


def _forget_children() -> None:
    for child in _children:
        child.forget()


os.register_at_fork(after_in_child=_forget_children)


def start(
    argv: Sequence[str | Path],
    *,
    cwd: Path,
    log: Path,
    env: Mapping[str, str],
    pipes: str = "",
    switch: Mapping[str, Any] | None = None,
) -> Child:
    """
    Start `argv` in `cwd`; `switch` says as whom, and with which umask, as `subprocess.Popen` does.

    `pipes` is "r" where its output is read through `Child.stdout`, "a" where what it says on stderr
    is read there as well, and "w" where `Child.stdin` feeds it; otherwise its output goes to `log`
    too, and it reads nothing.
    """
    ours, leash = os.pipe()
    if switch and "user" in switch:
        os.fchown(ours, switch["user"], -1)  # the shell opens it by name
    words = ["/bin/sh", "-c", _LEASH, "stockops-child", str(ours), *map(str, argv)]
    try:
        with log.open("ab") as said:
            shell = subprocess.Popen(
                words,
                stdin=subprocess.PIPE if pipes == "w" else subprocess.DEVNULL,
                stdout=subprocess.PIPE if pipes in {"r", "a"} else said,
                stderr=subprocess.STDOUT if pipes == "a" else said,
                cwd=cwd,
                env=env,
                pass_fds=(ours,),
                start_new_session=True,
                **{"umask": 0o077, **(switch or {})},
            )
    except BaseException:
        os.close(leash)
        raise
    finally:
        os.close(ours)
    return Child(shell, leash, Path(argv[0]).name, log)


def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path,
    log: Path,
    env: Mapping[str, str],
    within_s: float,
    switch: Mapping[str, Any] | None = None,
) -> None:
    """Run `argv` to its end; raise `ServerError` with the log's end if it fails."""
    child = start(argv, cwd=cwd, log=log, env=env, switch=switch)
    try:
        child.finish(within_s=within_s)
    except BaseException:
        child.end()
        raise


def failed(what: str, log: Path) -> ServerError:
    """Return the error for `what`, which names `log` and ends with its last lines."""
    lines = tail(log)
    full = _says_full(lines)
    if not full and _is_full(log.parent):  # then there was none for its words either
        full, what = True, f"{what}; No space left on device of {str(log.parent)!r}"
    said = "".join(f"\n    {line}" for line in lines)
    return ServerError(
        f"{what}; the log {str(log)!r} ends with:{said}" if lines else f"{what}; {log} is empty",
        fault=Fault.FULL if full else Fault.OTHER,
        code="",
        hint=f"Read the log: less {log}",
        log=log,
    )


def _says_full(lines: Sequence[str]) -> bool:
    return any("No space left on device" in line for line in lines)


def _is_full(directory: Path) -> bool:
    with suppress(OSError):
        disk = os.statvfs(directory)
        return disk.f_bavail * disk.f_frsize < FULL_BYTES
    return False


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
