"""The exporters that the community uses, as Debian has them, started beside a server of ours."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from stockops.targets import Target

PROGRAMS = {
    "postgresql": "prometheus-postgres-exporter",
    "mariadb": "prometheus-mysqld-exporter",
}
STARTED_S = 10.0
# What is off by default and has a counterpart with us.
_COLLECTORS = (
    "info_schema.innodb_metrics",
    "info_schema.processlist",
    "info_schema.processlist.processes_by_user",
    "info_schema.processlist.processes_by_host",
    "info_schema.tables",
    "binlog_size",
    "perf_schema.eventsstatements",
)


def missing(engine: str) -> str | None:
    """Return the name of the program for `engine` where it is not installed."""
    return None if shutil.which(PROGRAMS[engine]) else PROGRAMS[engine]


@contextmanager
def running(target: Target, folder: Path, *, without: Sequence[str] = ()) -> Iterator[str]:
    """
    Run the community's exporter on `target`, and give the address of its metrics.

    It collects all that has a counterpart with us, but for the collectors named in `without`.

    The one for MariaDB wants a password, which only a target over TCP has; its file is in `folder`.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    words = [PROGRAMS[target.engine], f"--web.listen-address=127.0.0.1:{port}"]
    surroundings = {**os.environ}
    if target.engine == "postgresql":
        surroundings["DATA_SOURCE_NAME"] = _libpq(target)
    else:
        file = folder / "my.cnf"
        file.write_text(_my_cnf(target), "utf-8")
        words += [f"--config.my-cnf={file}", "--collect.info_schema.tables.databases=*"]
        words += [f"--collect.{name}" for name in _COLLECTORS if name not in without]
    process = subprocess.Popen(
        words, env=surroundings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}/metrics"
    finally:
        process.terminate()
        process.wait(timeout=STARTED_S)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + STARTED_S
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nobody listens on port {port} after {STARTED_S:.0f} s")


def _libpq(target: Target) -> str:
    parts = urlsplit(target.url)
    host = dict(parse_qsl(parts.query))["host"]
    return (
        f"host={host} port={parts.port} user={parts.username} "
        f"dbname={target.database} sslmode=disable"
    )


def _my_cnf(target: Target) -> str:
    parts = urlsplit(target.url)
    password = target.password.reveal() if target.password else ""
    return (
        f"[client]\nuser={parts.username}\npassword={password}\n"
        f"host={parts.hostname}\nport={parts.port}\n"
    )
