"""A person recovers what the tool broke: what he is told and types, and when the clock stops."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import Labs
from test_drill_core import nothing_is_left

from stockops.cli import drill_game
from stockops.drills import book, playing
from stockops.lab import ENGINES
from stockops.targets import Config

GAME_S = 240.0


@pytest.mark.parametrize("hidden", [True, False])
def test_who_plays_is_told_what_leads_to_the_runbook(
    hidden: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    [drill] = [each for each in book.load(Config()) if each.id == "server-frozen"]
    drill_game._told(drill, "mariadb", hidden=hidden)(". /somewhere/enter", ["books_age"])
    said = capsys.readouterr().err
    assert "    . /somewhere/enter\n" in said
    assert ("stockops drill show server-frozen --engine mariadb" in said) is not hidden
    assert ("server-frozen" in said) is not hidden
    assert "take no notice of: books_age.\n" in said
    for name in ("TARGET", "FRONT", "REPLICA"):
        assert (f'stockops health check -t "${name}"' in said) is hidden
    assert ("stockops drill list --tells CHECK" in said) is hidden


def test_what_is_typed_over_several_lines_is_one_step(tmp_path: Path) -> None:
    shim = tmp_path / "stockops"
    note = playing._NOTE.format(name="stockops", log=tmp_path / playing._TYPED)
    shim.write_text(note + playing._SHIM.format(inside="", python="/bin/true"))
    for sql in ("SELECT 1,\n  2", "SELECT '\u2028'", b"SELECT '\xff'"):
        subprocess.run(["sh", shim, "lab", "shell", "-c", sql], check=True, timeout=30)
    first, second, third = playing._typed(tmp_path, time.time())
    assert first.text == "stockops lab shell -c SELECT 1,   2"
    assert second.text == "stockops lab shell -c SELECT '\u2028'"
    assert third.text == "stockops lab shell -c SELECT '\ufffd'"
    assert -30 < first.at_s <= 0


@pytest.mark.soak
@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_a_hidden_game_ends_when_the_person_has_mended_it(
    engine: str, all_labs: Labs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_labs.get(engine)
    monkeypatch.setenv("STOCKOPS_STATE", str(tmp_path / "state"))
    words = ["drill", "game", "server-frozen", "--hide", f"--engine={engine}", "--minutes=3"]
    game = subprocess.Popen(
        [sys.executable, "-m", "stockops", *words, "--format=json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert game.stderr is not None
        enter = next(each.strip() for each in game.stderr if each.strip().endswith("/enter"))
        typed = 'stockops drill list --tells reachable; stockops lab status --name "$LAB"; release'
        shell = ["sh", "-c", f"{enter}; {typed}"]
        subprocess.run(shell, check=True, capture_output=True, timeout=GAME_S)
        said, told = game.communicate(timeout=GAME_S)
    finally:
        game.kill()
        game.wait()
    [record] = json.loads(said)
    assert (record["drill"], record["verdict"]) == ("server-frozen", "PASS")
    assert "stockops drill list --tells reachable" in told
    assert "stockops lab status --name" in told
    assert "  release" in told
    assert "the clock stopped at" in told
    assert nothing_is_left()
