"""What happens to processes: one session's is killed, the server's is, or it stands still."""

import signal
from pathlib import Path
from types import MappingProxyType

from ... import processes, sessions
from ...engine import connect
from ...errors import StockopsError, Unreachable
from ...processes import Process
from ...sessions import SessionRow
from ..clients import soon
from ..inverse import Continue
from .base import Driver, Ordinary, Spot

_ORDERS = "stockops trade"  # how the applications of the load begin
_VICTIM, _LOG, _SERVER, _STOPPED = "victim", "log", "server", "stopped"


def by_signal() -> str | None:
    """Return why processes cannot be told by signals here; None where they can."""
    return None if Path("/proc/self/stat").exists() else "there is no /proc to tell processes apart"


def is_of_applications(session: SessionRow) -> bool:
    """Tell whether orders come by the session."""
    return session.application.startswith(_ORDERS)


class BackendKilled(Ordinary):
    """
    The process of a session that trades is killed, as the kernel does when memory is short.

    PostgreSQL then ends every session and recovers. In MariaDB a session is a thread, and nothing
    outside can kill one: the server is asked to end it, which hurts nobody else.
    """

    name = "backend_killed"
    title = "A session that trades is killed"
    drivers = (Driver("kill", by_signal),)

    def inject(self, spot: Spot, driver: str) -> None:
        """Kill one that trades. There is nothing to undo: it is gone, and the server goes on."""
        del driver
        found: list[SessionRow] = []
        with connect(spot.target, application="stockops drill") as server:

            def trades() -> bool:
                found[:] = filter(is_of_applications, sessions.activity(server))
                return bool(found)

            soon(trades, "no session trades that could be killed")
            victim = found[0].session_id
            spot.memory[_VICTIM] = victim
            spot.memory[_LOG] = spot.lab.log_path.stat().st_size
            if spot.engine == "mariadb":
                server.execute(f"KILL CONNECTION {victim}")
                return
        backend = next((each for each in processes.below(pid_of(spot)) if each.pid == victim), None)
        if backend is None:
            raise StockopsError(f"the session {victim} is no process of this server")
        backend.tell(signal.SIGKILL)

    def bites(self, spot: Spot) -> str | None:
        """Return what the server says of it; on MariaDB that the session is gone."""
        victim = spot.memory[_VICTIM]
        if spot.engine == "postgresql":
            with spot.lab.log_path.open("rb") as log:
                log.seek(spot.memory[_LOG])
                said = [line for line in log if b"was terminated by signal 9" in line]
            return said[0].decode("utf-8", "replace").strip() if said else None
        with connect(spot.target, application="stockops drill") as server:
            there = {each.session_id for each in sessions.activity(server)}
        return None if victim in there else f"the session {victim} is gone"


class _OfTheServer(Ordinary):
    """What happens to all of the server's processes, or by ``whom: server`` to the first alone."""

    drivers = (Driver("signal", by_signal),)
    takes = MappingProxyType({"whom": ("tree", "server")})


class ServerKilled(_OfTheServer):
    """
    The server is killed: all of its processes at once, or by ``whom: server`` the first alone.

    The others of PostgreSQL then have to notice, and a start is refused until they are gone.
    """

    name = "server_killed"
    title = "The server is killed"

    def inject(self, spot: Spot, driver: str) -> None:
        """Kill it. There is nothing to undo: the sandbox goes, whatever is left of it."""
        del driver
        spot.memory[_SERVER] = kill(spot, tree=spot.args.get("whom", "tree") == "tree")

    def bites(self, spot: Spot) -> str | None:
        """Return which process is gone."""
        return gone(spot.memory[_SERVER])


class ServerFrozen(_OfTheServer):
    """The server stands still, as on a host that swaps or is moved: no error, only silence."""

    name = "server_frozen"
    title = "The server stands still"

    def inject(self, spot: Spot, driver: str) -> None:
        """Stop it: first the server, so that it starts nobody meanwhile, then all it started."""
        del driver
        server = Process.of(pid_of(spot))
        spot.memory[_SERVER] = server
        step = Continue(process=server)
        spot.memory[_STOPPED] = step, spot.undo.arm(step)
        server.tell(signal.SIGSTOP)
        if spot.args.get("whom", "tree") == "tree":
            for each in processes.below(server.pid):
                each.tell(signal.SIGSTOP)

    def bites(self, spot: Spot) -> str | None:
        """Return which process is stopped."""
        server: Process = spot.memory[_SERVER]
        return f"process {server.pid}, the server, is stopped" if server.state == "T" else None

    def lift(self, spot: Spot) -> None:
        """Let it go on."""
        step, token = spot.memory.pop(_STOPPED, (None, None))
        if step is not None:
            step.undo(spot.folder)
            spot.undo.undone(token)


def kill(spot: Spot, *, tree: bool = True) -> Process:
    """Kill the server, and all that it started where it is the `tree`; return what it was."""
    server = Process.of(pid_of(spot))
    doomed = [server, *(processes.below(server.pid) if tree else ())]
    for each in doomed:
        each.tell(signal.SIGKILL)
    return server


def gone(server: Process) -> str | None:
    """Return that the server is gone, in words; None while it lives."""
    return None if server.lives else f"process {server.pid}, the server, is gone"


def pid_of(spot: Spot) -> int:
    """Return the number of the server, which must be up."""
    pid = spot.now.pid
    if pid is None:
        raise Unreachable(f"the server of the sandbox {spot.lab.name!r} is not up")
    return pid
