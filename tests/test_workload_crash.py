"""A server killed in mid-load: nothing acknowledged is lost, nothing unknown stays unknown."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Labs, eventually
from market import Markets
from trading import BROKEN

from stockops import journal
from stockops import lab as labs
from stockops.engine import ENGINES, connect
from stockops.lab import Lab
from stockops.targets import Target


@pytest.fixture(scope="module", params=sorted(ENGINES))
def doomed(request: pytest.FixtureRequest, all_labs: Labs) -> Iterator[Lab]:
    """A lab that tests may kill, and start again; another one than the session's."""
    all_labs.get(request.param)  # skips where the engine is missing
    with labs.temporary(request.param) as lab:
        yield lab


def run(target: Target, folder: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "stockops", "trade", "run", "-t", target.url]
    command += ["--journal", str(folder), "--format", "json", *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def answers(folder: Path) -> int:
    return sum(file.read_text().count('["a"') for file in folder.glob("client-*"))


def test_a_killed_server_owes_nobody_an_order(
    doomed: Lab, markets: Markets, tmp_path: Path
) -> None:
    with markets.open(doomed) as target:
        folder = tmp_path / "j"
        process = run(target, folder, "--orders", "1500", "--patience", "100")
        try:
            eventually(lambda: answers(folder) > 300)
            labs.crash(doomed)
            labs.start(doomed)
            out, err = process.communicate(timeout=150)
        finally:
            process.kill()
            process.wait()
        assert process.returncode == 0, err
        said = json.loads(out)
        assert said["orders"] + said["cancels"] == 1500
        unknowns = said["unknowns"]
        assert said["retries"] > 0
        assert unknowns["unsettled"] == 0
        assert unknowns["met"] == unknowns["committed"] + unknowns["not_committed"]
        with connect(target) as server:
            audit = journal.audit(server, folder)
            assert audit.clean, audit
            assert audit.acknowledged == audit.intents == said["orders"]
            for name, sql in BROKEN.items():
                assert server.rows(sql) == [], name


def test_a_server_that_stays_away_ends_the_run(
    doomed: Lab, markets: Markets, tmp_path: Path
) -> None:
    with markets.open(doomed) as target:
        folder = tmp_path / "j"
        process = run(target, folder, "--seconds", "60", "--patience", "1")
        try:
            eventually(lambda: answers(folder) > 100)
            labs.crash(doomed)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
            process.wait()
        assert process.returncode == 3
        assert "was not back within 1 s" in err
        assert "stockops trade audit" in err
        assert json.loads(out)["orders"] > 0
        labs.start(doomed)
        with connect(target) as server:
            audit = journal.audit(server, folder)
        assert audit.clean, audit
