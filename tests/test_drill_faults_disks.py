"""Disks that are full, and how it ends: nothing is left of it, in the sandbox or outside."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import eventually

from stockops.drills import sandbox, steps, volumes
from stockops.drills.faults import FAULTS, Needs, Spot
from stockops.drills.playing import ENTER, Game
from stockops.drills.undoing import Undo
from stockops.engine import connect
from stockops.errors import ConfigError, StockopsError

BITES_S = 60.0
FILLER = {
    "postgresql": "INSERT INTO filler SELECT repeat('x', 2000) FROM generate_series(1, 20000)",
    "mariadb": "INSERT INTO filler SELECT repeat('x', 2000) FROM seq_1_to_20000",
}


@contextmanager
def with_disk(engine: str, volume: str, paths: pytest.TempPathFactory) -> Iterator[Spot]:
    """Give a sandbox with a disk of its own for what `volume` names."""
    why = volumes.why_not()
    if why is not None:
        pytest.skip(why)
    folder = paths.mktemp("drill")
    for each in (folder, folder.parent):
        each.chmod(0o755)
    needs = FAULTS["disk_full"].needs(engine, {"volume": volume})
    with (
        Undo.begin(f"disks-{volume}-{engine}", folder=folder, within_s=300) as undo,
        sandbox.opened(engine, needs, {}, undo=undo, folder=folder) as spot,
    ):
        yield spot


@pytest.fixture(scope="module", params=["postgresql", "mariadb"])
def disks(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Spot]:
    """Give a sandbox with a disk of its own for the tables."""
    with with_disk(request.param, "data", tmp_path_factory) as spot:
        with connect(spot.target) as server:
            server.execute("CREATE TABLE filler (x TEXT)")
        yield spot


def fill(spot: Spot) -> None:
    """Write more than the disk can have; a server that waits for room is not waited for."""
    with connect(spot.target, statement_timeout_s=3.0) as server, pytest.raises(StockopsError):
        server.execute(FILLER[spot.engine])


def test_a_full_disk_is_felt_and_is_as_it_was_when_the_fault_is_lifted(disks: Spot) -> None:
    fault = FAULTS["disk_full"]
    assert disks.volumes is not None
    free_kib = disks.volumes.free_kib("data")
    fault.inject(disks, "namespace")
    assert disks.volumes.free_kib("data") < 1024
    fill(disks)
    assert eventually(lambda: fault.bites(disks), BITES_S)
    fault.lift(disks)
    fault.lift(disks)  # also after an injection that failed
    assert disks.volumes.free_kib("data") > free_kib / 2
    steps.start(disks)  # MariaDB may end by it
    with connect(disks.target) as server:
        server.execute("INSERT INTO filler VALUES ('again')")


def test_the_undo_empties_a_full_disk_without_the_fault(disks: Spot, tmp_path: Path) -> None:
    assert disks.volumes is not None
    free_kib = disks.volumes.free_kib("data")
    with Undo.begin("disk-undone", folder=tmp_path, within_s=120) as undo:
        FAULTS["disk_full"].inject(replace(disks, undo=undo, memory={}), "namespace")
        assert [each.outcome for each in undo.run()] == ["undone"]
    assert disks.volumes.free_kib("data") > free_kib / 2


def test_a_person_in_a_game_sees_the_disks_of_the_server(
    disks: Spot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_NOBODY_ELSE", "secret")
    fault, told, seen = FAULTS["disk_full"], list[str](), list[str]()
    fault.inject(disks, "namespace")
    stopped: list[float] = []
    game = Game(told=lambda line, _: told.append(line), mended=stopped.append)

    def wrong() -> str | None:
        if seen:
            return None if disks.volumes and disks.volumes.free_kib("data") > 1024 else "full"
        typed = f'{told[0]}; df "$DATA"/*/; stockops drill show disk-full-data; release'
        done = subprocess.run(["/bin/sh", "-c", typed], capture_output=True, text=True, check=True)
        seen.extend(done.stdout.splitlines())
        return "full"

    game.recover(disks, fault, wrong)
    assert disks.volumes is not None
    place = str(disks.volumes.places["data"])
    assert [line for line in seen if line.startswith("stockops ") and line.endswith(place)]
    assert '     df -h "$DATA" "$DATA"/*/ | sort -u' in seen
    typed = [each.text.split(" ")[0] for each in game.typed]
    assert typed == ["df", "stockops", "release"]
    assert 0 < stopped[0] < 60
    assert "secret" not in (disks.folder / ENTER).read_text("utf-8")


def test_a_server_that_cannot_write_its_messages_goes_on_and_the_disk_is_told_of(
    engine: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    fault = FAULTS["disk_full"]
    with with_disk(engine, "messages", tmp_path_factory) as spot:
        assert spot.volumes is not None
        spot.args = {"volume": "messages", "floor_kib": 0}
        assert fault.bites(spot) is None
        fault.inject(spot, "namespace")
        assert "the log speaks of" in (fault.bites(spot) or "")
        words = [*spot.volumes.seeing, sys.executable, "-m", "stockops", "health", "check"]
        words += ["-t", spot.lab.name, "disk_used", "--format", "json"]
        told = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
        assert str(spot.volumes.places["messages"]) in told.stdout, told.stderr
        with connect(spot.target) as server:
            server.execute("CREATE TABLE unheard (id integer)")
        fault.lift(spot)
        assert fault.bites(spot) is None
        assert spot.undo.run()[0].outcome == "undone"  # the sandbox alone


def test_a_disk_that_there_is_not_is_refused() -> None:
    for args in ({"volume": "tmp"}, {"size": 3}):
        with pytest.raises(ConfigError):
            FAULTS["disk_full"].needs("postgresql", args)
    assert FAULTS["disk_full"].needs("mariadb", {"volume": "log"}) == Needs(volumes={"log": 40})
