"""What takes minutes: a server with very many things in it, and an hour of bad weather."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest
from conftest import eventually
from watching import SLEEP, Bed, bed_of, reason, series_of

from stockops import lab as labs
from stockops.engine import connect
from stockops.errors import StockopsError
from stockops.exporter import rendering

MANY = 5_000
MEMORY_BYTES_MAX = 120 << 20
SOAK_S = float(os.environ.get("SOAK_S", "3600"))
pytestmark = [pytest.mark.soak, pytest.mark.timeout(SOAK_S + 900)]

_SETTINGS = {
    "postgresql": {
        "shared_preload_libraries": "pg_stat_statements",
        "max_locks_per_transaction": "1024",
    },
    "mariadb": {"performance_schema": "ON", "table_open_cache": "400"},
}


@contextmanager
def serving(bed: Bed, folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """An exporter of its own process, and the port it answers on."""
    secret = folder / "password"
    secret.write_text(bed.password, "utf-8")
    secret.chmod(0o600)
    (folder / "stockops.yaml").write_text(
        f'default: it\ntargets: {{it: {{url: "{bed.target.url}", password_file: {secret}}}}}\n',
        "utf-8",
    )
    command = [sys.executable, "-m", "stockops", "exporter", "serve", "--listen", "127.0.0.1:0"]
    with (folder / "log").open("w+", encoding="utf-8") as log:
        process = subprocess.Popen(
            [*command, "--slow-every", "5"],
            cwd=folder,
            env={**os.environ, "STOCKOPS_STATE": str(folder / "state")},
            stderr=log,
            text=True,
        )
        try:
            line = eventually(lambda: (folder / "log").read_text("utf-8"))
            yield process, int(line.split("127.0.0.1:")[1].split("/")[0])
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
    assert bed.password not in (folder / "log").read_text("utf-8")


def scraped(port: int, timeout_s: float = 10.0) -> dict[str, float]:
    """Scrape as Prometheus does, and hold the answer to the deadline that it names."""
    client = HTTPConnection("127.0.0.1", port, timeout=timeout_s + 20)
    try:
        began = time.monotonic()
        client.request(
            "GET", "/metrics", headers={"X-Prometheus-Scrape-Timeout-Seconds": str(timeout_s)}
        )
        answer = client.getresponse()
        body = answer.read().decode()
        # Those who went without waiting are still waited for: the next ones are sent away.
        found = series_of(body) if answer.status == 200 else {}
        assert time.monotonic() - began < timeout_s + 5, "past the deadline, with a margin"
        return found
    finally:
        client.close()


def is_up(port: int) -> bool:
    found = scraped(port)
    return bool(found) and reason(found) == "ok"


def test_5000_tables_and_5000_statements_stay_within_all_budgets(
    engine: str, tmp_path: Path
) -> None:
    with bed_of(engine, _SETTINGS[engine]) as bed:
        fill(bed)
        with serving(bed, tmp_path) as (_, port):
            began = time.time()
            scraped(port)
            slow = eventually(
                lambda: (found := scraped(port)) and "statements" in str([*found]) and found, 120
            )
            assert slow
            for _ in range(10):
                found = scraped(port)
                assert reason(found) == "ok"
            assert len(found) < rendering.ANSWER_SERIES_MAX / 3
            assert found["process_resident_memory_bytes"] < MEMORY_BYTES_MAX
            failed = [
                name for name, value in found.items() if "collector_success" in name and not value
            ]
            assert failed == []
            assert not [name for name, value in found.items() if "dropped_series" in name and value]
            assert time.time() - began < 300


def fill(bed: Bed) -> None:
    """Make very many tables, and run very many statements that are not alike."""
    extension = "CREATE EXTENSION IF NOT EXISTS pg_stat_statements"
    with connect(bed.admin) as admin:
        if bed.engine == "postgresql":
            admin.execute(extension)
        for number in range(MANY):
            admin.execute(f"CREATE TABLE many_{number} (id INT PRIMARY KEY, n INT)")
        for number in range(MANY):
            admin.rows(f"SELECT id AS id_{number} FROM many_{number} WHERE n = 1")


def test_an_hour_of_bad_weather_leaves_nothing_behind(engine: str, tmp_path: Path) -> None:
    draw = random.Random(20261122)
    with bed_of(engine) as bed, serving(bed, tmp_path) as (process, port):
        scraped(port)
        eventually(lambda: is_up(port))
        first = footprint(process.pid)
        deadline = time.monotonic() + SOAK_S
        while time.monotonic() < deadline:
            weather = draw.choice((fair, fair, storm, stop, kill, leave))
            weather(bed, port)
            assert eventually(lambda: is_up(port))
        eventually(lambda: footprint(process.pid)[0] <= first[0] + 8)
        memory = scraped(port)["process_resident_memory_bytes"]
        assert memory < MEMORY_BYTES_MAX, f"{memory / 1e6:.0f} MB"


def footprint(pid: int) -> tuple[int, int]:
    """Return how many files and threads a process has."""
    place = Path(f"/proc/{pid}")
    return len([*(place / "fd").iterdir()]), len([*(place / "task").iterdir()])


def fair(_bed: Bed, port: int) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: scraped(port), range(20)))
    assert {found["stockops_exporter_connections"] for found in answers} <= {0, 1, 2, 3}


def storm(bed: Bed, port: int) -> None:
    """Somebody holds a lock on everything there is, while many ask."""
    hold = {
        "postgresql": "BEGIN; LOCK TABLE pg_class IN ACCESS EXCLUSIVE MODE",
        "mariadb": "FLUSH TABLES WITH READ LOCK",
    }[bed.engine]
    with connect(bed.admin) as holder:
        holder.execute(hold)
        with ThreadPoolExecutor(4) as pool:
            for found in pool.map(lambda _: scraped(port, 2.0), range(8)):
                assert found["stockops_exporter_connections"] <= 3
        holder.execute("ROLLBACK" if bed.engine == "postgresql" else "UNLOCK TABLES")


def stop(bed: Bed, port: int) -> None:
    pids = bed.pids()
    try:
        for pid in pids:
            with suppress(ProcessLookupError):  # a session that was just leaving
                os.kill(pid, signal.SIGSTOP)
        for _ in range(3):
            scraped(port, 1.5)
    finally:
        for pid in reversed(pids):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def kill(bed: Bed, port: int) -> None:
    def busy() -> None:
        with suppress(StockopsError), connect(bed.admin) as admin:
            admin.rows(SLEEP[bed.engine])

    thread = threading.Thread(target=busy)
    thread.start()
    labs.crash(bed.lab)
    scraped(port, 2.0)
    bed.lab = labs.start(bed.lab)
    thread.join(60)


def leave(_bed: Bed, port: int) -> None:
    """Clients ask and go before they are answered."""
    for _ in range(30):
        client = HTTPConnection("127.0.0.1", port, timeout=10)
        with suppress(OSError, HTTPException):
            client.request("GET", "/metrics")
        client.close()
