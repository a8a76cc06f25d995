"""Start, stop and kill the server of one lab; whoever calls holds the lab."""

import os
import random
import secrets
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from .. import children
from ..errors import Busy, Refused
from . import account as accounts
from . import marker, memory, place, proc, process
from .account import Account
from .base import Engine, Lab
from .mariadb import MariaDB
from .postgresql import PostgreSQL

START_S = 120.0  # recovery after a crash is part of a start
REPLAY_S = 6 * 3600.0  # of data that were restored: the log after them is part of the start
STOP_S = 60.0
HARD_STOP_S = 20.0
SQL_S = 30.0
ORPHANS_S = 10.0
FIRST_PORT = 20_000  # those of the services that people run are lower
PORT_TRIES = 20
LOG_KEPT_BYTES = 16 * 1024 * 1024
ENGINES: Mapping[str, Engine] = {"postgresql": PostgreSQL(), "mariadb": MariaDB()}

# Labs whose server ends with this process.
_kept: dict[Path, process.Keeper] = {}


def start(
    lab: Lab,
    *,
    port: bool = False,
    outlives: bool = False,
    within_s: float = START_S,
    through: Sequence[str] = (),
) -> Lab:
    """
    Start the server of `lab`, which is down; return the lab with its port and socket of now.

    The server ends with this process, however it ends, unless `outlives`. `port` asks for a free
    port on 127.0.0.1; a lab that had one tries the same again. `through` is a program that is given
    the server's command and becomes it, such as env. A lab that another one took over from is
    refused: both would take writes.
    """
    lab = _as_marked(lab)
    engine = ENGINES[lab.engine]
    account = accounts.serving(lab.user)
    _clear_stale(lab)
    _rotate(lab.log_path)
    lab = _addressed(_with_programs(lab, engine, account), account, port=port)
    marker.write(lab)
    keeper = process.start_server(
        [*lab.through, *through, *engine.command(lab)],
        account=accounts.own() if lab.through_switches else account,
        cwd=lab.directory,
        log=lab.log_path,
        stop=engine.stop,
    )
    try:
        _await_ready(lab, engine, keeper, within_s)
        if lab.port is not None and lab.replica_of is None:  # a replica has its primary's
            _set_password(lab, engine)
    except BaseException:
        keeper.drop()
        raise
    if outlives:
        keeper.release()
    else:
        _kept[lab.directory] = keeper
    return lab


def _as_marked(lab: Lab) -> Lab:
    """Return `lab` with what its marker says of replicas, for it may have changed meanwhile."""
    said = marker.read(lab.directory) or lab
    if said.replaced_by is not None:
        raise Refused(
            f"{said.replaced_by!r} took over from the lab {lab.name!r}: if it came up as it is, "
            "both would take writes",
            hint=f"stockops replica reattach --name {lab.name} --plan",
        )
    return replace(lab, replica_of=said.replica_of, replaced_by=None)


def release(lab: Lab) -> None:
    """Let the server of `lab`, which this process started, outlive it."""
    keeper = _kept.pop(lab.directory, None)
    if keeper is not None:
        keeper.release()


def is_up(lab: Lab) -> bool:
    """Tell whether the server of `lab` answers, after waiting for one that comes up or goes."""
    engine = ENGINES[lab.engine]
    children.wait_until(lambda: lab.pid is None or engine.ready(lab), within_s=START_S)
    return lab.pid is not None


def stop(lab: Lab, *, hard: bool = False) -> bool:
    """Stop the server of `lab`, in good order unless `hard`; False when it was not running."""
    engine = ENGINES[lab.engine]
    pid = lab.pid
    if pid is None:
        _drop(lab)
        return False
    tries = [(engine.stop_hard, HARD_STOP_S), (signal.SIGKILL, HARD_STOP_S)]
    if not hard:
        tries.insert(0, (engine.stop, STOP_S))
    for number, within_s in tries:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        if children.wait_until(lambda: proc.argv(pid) is None, within_s=within_s):
            _drop(lab)
            return True
    raise children.failed(f"the server of the lab {lab.name!r} (pid {pid}) stays", lab.log_path)


def crash(lab: Lab) -> None:
    """Kill the server of `lab` (SIGKILL, as the kernel does when memory is short), and wait."""
    pid = lab.pid
    if pid is None:
        raise Refused(f"the lab {lab.name!r} is down: there is nothing to kill")
    # MariaDB is one process; PostgreSQL's others notice that their parent is gone, and end.
    os.kill(pid, signal.SIGKILL)
    if not children.wait_until(lambda: not proc.inside(lab.data), within_s=HARD_STOP_S):
        raise children.failed(f"processes of the lab {lab.name!r} stay", lab.log_path)
    _drop(lab)


def run_sql(lab: Lab, sql: str, *, database: str) -> None:
    """Run `sql` in `database` by the engine's own client; the text is never on a command line."""
    client = ENGINES[lab.engine].client(lab, database)
    if lab.engine == "postgresql":
        client += ["-q", "-X", "-v", "ON_ERROR_STOP=1"]
    ran = subprocess.run(
        client,
        input=sql.encode(),
        capture_output=True,
        env=process.environment(lab.directory),
        timeout=SQL_S,
        check=False,
    )
    if ran.returncode != 0:
        said = ran.stderr.decode("utf-8", "replace").strip()
        raise children.failed(f"{client[0]} left with {ran.returncode} ({said})", lab.log_path)


def _await_ready(lab: Lab, engine: Engine, keeper: process.Keeper, within_s: float) -> None:
    answered = False

    def settled() -> bool:
        nonlocal answered
        answered = engine.ready(lab)
        return answered or keeper.ended

    in_time = children.wait_until(settled, within_s=within_s)
    if not answered:
        how = "ended before it answered" if in_time else f"did not answer within {within_s:.0f} s"
        raise children.failed(f"the server of the lab {lab.name!r} {how}", lab.log_path)


def _clear_stale(lab: Lab) -> None:
    # A pid file whose number now belongs to another process of the same user stops a start, and
    # processes that outlived their server would write to the data. /proc tells both for certain.
    if not children.wait_until(lambda: not proc.inside(lab.data), within_s=ORPHANS_S):
        pids = " ".join(map(str, proc.inside(lab.data)))
        raise Busy(
            f"processes of a dead server still work in {str(lab.data)!r}: {pids}",
            hint=f"Look at them, then end them: ps -fp {pids.replace(' ', ',')}",
        )
    memory.release(lab.data)  # its pid file is the last that knows of it
    lab.pid_file.unlink(missing_ok=True)
    if lab.sockets.is_dir():
        for left in lab.sockets.iterdir():
            left.unlink()


def _rotate(log: Path) -> None:
    with suppress(FileNotFoundError):
        if log.stat().st_size > LOG_KEPT_BYTES:
            log.replace(log.with_suffix(".log.1"))


def _with_programs(lab: Lab, engine: Engine, account: Account) -> Lab:
    if account.can_run(lab.programs / lab.shape.program):
        return lab
    # The virtual environment is gone, or the package has moved. The same major reads the data.
    major = lab.version.partition(".")[0] if lab.engine == "postgresql" else None
    found = engine.readable(engine.find(version=major, directory=None), account)
    return replace(lab, programs=found.directory, version=found.version)


def _addressed(lab: Lab, account: Account, *, port: bool) -> Lab:
    if not lab.sockets.is_dir():
        file_name = lab.shape.socket.format(port=65535)
        sockets = place.socket_directory(lab.directory, account, file_name=file_name)
        lab = replace(lab, sockets=sockets)
    if lab.port is None and not port:
        return lab
    return replace(lab, port=free_port(lab.port))


def free_port(wanted: int | None = None) -> int:
    """
    Return a port of the loopback that nobody has, `wanted` if it is one; `Busy` for none.

    Where there is one, it is below those that the kernel gives to connections: until the server
    has it, and while the server is down, nobody gets it who asks for just any port.
    """
    for number in [*([wanted] if wanted else []), *_below_any(), 0]:
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do
            probe.bind(("127.0.0.1", number))
            return int(probe.getsockname()[1])
    raise Busy("there is no free port on 127.0.0.1", hint="stockops lab up without --port")


def _below_any() -> list[int]:
    """Return some ports, drawn anew each time, that nobody gets who does not ask for them."""
    said = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text("ascii")
    ports = range(FIRST_PORT, int(said.split()[0]))
    return random.SystemRandom().sample(ports, PORT_TRIES) if len(ports) >= PORT_TRIES else []


def _set_password(lab: Lab, engine: Engine) -> None:
    if not lab.tcp_password_file.exists():
        fresh = lab.directory / "password.new"
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_hex(16) + "\n", encoding="ascii")
        fresh.replace(lab.tcp_password_file)
    password = lab.tcp_password_file.read_text(encoding="ascii").strip()
    database = "postgres" if lab.engine == "postgresql" else "mysql"
    try:
        run_sql(lab, engine.password_sql(lab.owner, password), database=database)
    except subprocess.TimeoutExpired:
        raise children.failed("setting the password took too long", lab.log_path) from None


def _drop(lab: Lab) -> None:
    keeper = _kept.pop(lab.directory, None)
    if keeper is not None:
        keeper.drop()
