"""Load on a market from processes of its own, for the length of a block."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from conftest import eventually

from stockops.engine import connect
from stockops.targets import Target


@contextmanager
def trading(target: Target, directory: Path, *, clients: int = 2) -> Iterator[None]:
    """Place orders until the block ends; at least one has been placed when it begins."""
    command = [sys.executable, "-m", "stockops", "trade", "run", "-t", target.url]
    command += ["--seconds", "600", "--clients", str(clients), "--no-journal", "--format", "json"]
    said = directory / "trading.log"
    with said.open("wb") as log, connect(target) as server:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        try:
            eventually(lambda: process.poll() or server.rows("SELECT 1 AS n FROM trades LIMIT 1"))
            assert process.poll() is None, said.read_text()
            yield
            assert process.poll() is None, said.read_text()
        finally:
            process.send_signal(signal.SIGINT)  # it ends its clients, too
            with suppress(subprocess.TimeoutExpired):
                process.wait(60)
            with suppress(ProcessLookupError):  # nobody trades on in the tests after this one
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
