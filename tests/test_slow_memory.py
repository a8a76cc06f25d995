"""A log of a gigabyte is read in memory that does not grow with it."""

import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPTS = Path(__file__).parent.parent / "scripts"
BLOCK_MB, WHOLE_BYTES = 50, 10**9
PEAK_BYTES_MAX = 500 * 10**6


@pytest.mark.soak
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", ["mariadb", "csvlog", "stderr", "jsonlog"])
def test_a_gigabyte_takes_less_than_half_of_one(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All processes together, the pages that they share counted for each."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    bench: dict[str, Any] = runpy.run_path(str(SCRIPTS / "bench_slow.py"))
    block, path = tmp_path / "block", tmp_path / "server.log"
    calls = sys.modules["bench_slow_logs"].write(name, block, BLOCK_MB)
    raw = block.read_bytes()
    times = -(-WHOLE_BYTES // len(raw))
    with path.open("wb") as file:
        for _ in range(times):
            file.write(raw)
    try:
        run = bench["ours"](path, tmp_path)
    finally:
        path.unlink()
    assert run.calls == calls * times
    assert run.peak_bytes < PEAK_BYTES_MAX, run
