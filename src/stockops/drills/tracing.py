"""
What a running server asks of the kernel, made slow or refused by strace.

It needs neither root nor a start of the server: an ordinary user may trace what is his. The tracer
is a child of ours; with its end the server is as it was.
"""

import shutil
import signal
import subprocess
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from .. import children, processes
from ..errors import StockopsError
from ..lab import account as accounts
from ..lab.account import Switch
from ..lab.process import environment
from ..processes import Process
from .inverse import Detach

if TYPE_CHECKING:  # the faults trace, and so come after us
    from .faults.base import Spot

READY_S = 15.0
PROBE_S = 10.0
TRIES = 5  # a process that is started while the others are taken hold of may escape
_SCOPE = Path("/proc/sys/kernel/yama/ptrace_scope")
_CAN_TRACE = 1 << 19  # CAP_SYS_PTRACE
_HELD = "tracer"  # in a spot's memory

# It stands still until it is in the journal: nobody is traced before somebody could end it.
_GATE = 'echo $$; kill -s STOP $$; exec "$@"'


def why_not() -> str | None:
    """Return why the calls of a server cannot be traced here; None where they can."""
    if shutil.which("strace") is None:
        return "there is no strace (apt-get install strace)"
    scope = _scope()
    if scope >= (3 if _may_trace_all() else 1):
        return (
            f"kernel.yama.ptrace_scope is {scope}: nobody may trace a server that runs "
            "(as root: sysctl kernel.yama.ptrace_scope=0)"
        )
    tried = subprocess.run(
        ["strace", "-qq", "-o", "/dev/null", "-e", "inject=fsync:error=EIO", "true"],
        capture_output=True,
        text=True,
        check=False,
        timeout=PROBE_S,
        **_as_whom(accounts.choose("nobody").switch),
    )
    if tried.returncode == 0:
        return None
    said = tried.stderr.strip().splitlines() or [f"exit {tried.returncode}"]
    return f"strace does not work here: {said[-1]}"


def begin(spot: "Spot", server: Process, switch: Switch, *, calls: str, how: str) -> None:
    """
    Have `calls` of the `server` and of all it starts go wrong as `how` says, in strace's words.

    `switch` makes a process run as the account of the server. Returns when everybody is traced.
    """
    for _ in range(TRIES):
        # What is not traced is not tampered with either.
        what = ["-e", f"trace={calls}", "-e", f"inject={calls}:{how}"]
        tracer = _start(spot, server, switch, what)
        if children.wait_until(partial(_has_all, tracer, server), within_s=READY_S):
            return
        end(spot)
        if not server.lives:
            break
    raise children.failed("the server cannot be traced", spot.folder / "tracer.log")


def end(spot: "Spot") -> None:
    """End the tracer, and wait until nobody is traced; twice does nothing."""
    child, step, token = spot.memory.pop(_HELD, (None, None, None))
    if step is not None:
        step.undo(spot.folder)
        child.end()
        spot.undo.undone(token)


def _start(spot: "Spot", server: Process, switch: Switch, what: list[str]) -> Process:
    words = ["/bin/sh", "-c", _GATE, "stockops-tracer", "strace", "-f", "-qq", "-o", "/dev/null"]
    words += what
    # The server comes first: whoever it starts from then on is followed.
    for each in [server, *processes.below(server.pid)]:
        words += ["-p", str(each.pid)]
    child = children.start(
        words,
        cwd=spot.folder,
        log=spot.folder / "tracer.log",
        env=environment(spot.folder),
        pipes="r",
        switch=_as_whom(switch),
    )
    said = child.stdout.readline().strip()
    if not said:
        child.end()
        raise StockopsError("the tracer does not start", hint="Try it: strace -V")
    tracer = Process.of(int(said))
    step = Detach(tracer=tracer)
    spot.memory[_HELD] = child, step, spot.undo.arm(step)
    if not children.wait_until(lambda: tracer.state == "T", within_s=READY_S):
        raise StockopsError("the tracer does not wait for its turn")
    tracer.tell(signal.SIGCONT)
    return tracer


def _has_all(tracer: Process, server: Process) -> bool:
    """Tell whether each thread of the server and of all it started is traced by `tracer`."""
    everybody = [server, *processes.below(server.pid)]
    return all(processes.tracers(each.pid) <= {tracer.pid} for each in everybody)


def _as_whom(switch: Switch) -> Switch:
    """Return who traces: root where he may trace anybody, else the account of the server."""
    return {} if _may_trace_all() else switch


def _may_trace_all() -> bool:
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) & _CAN_TRACE)
    return False


def _scope() -> int:
    with suppress(OSError):  # a kernel without Yama lets everybody trace what is his
        return int(_SCOPE.read_text("ascii"))
    return 0
