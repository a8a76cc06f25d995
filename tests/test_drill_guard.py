"""Only what stockops made, and nobody uses, is ever broken."""

import re
import secrets
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from stockops.drills import guard
from stockops.engine import connect
from stockops.errors import Refused
from stockops.lab import Lab, marker
from stockops.targets import Target

OURS = ("stockops",)  # the servers of the tests are used by the tests


@pytest.fixture
def planted(lab: Lab, target: Target) -> Target:
    guard.plant(lab, target)
    return target


def require(lab: Lab, target: Target, *, destroys: bool = True) -> None:
    guard.require(lab, target, destroys=destroys, ours=OURS)


def test_a_sandbox_may_be_broken(lab: Lab, planted: Target) -> None:
    require(lab, planted)
    guard.plant(lab, planted)  # a copy of one gets a token of its own
    require(lab, planted)


def test_a_server_whose_directory_is_another_ones_is_not(lab: Lab, planted: Target) -> None:
    token = lab.data / guard.TOKEN_FILE
    held = token.read_text()
    token.write_text(secrets.token_hex(16))
    with pytest.raises(Refused, match="is not the one in the directory"):
        require(lab, planted)
    token.unlink()
    with pytest.raises(Refused, match="has no token"):
        require(lab, planted)
    token.write_text(held)
    with connect(planted) as server:
        server.execute("DROP TABLE stockops_guard.token")
    with pytest.raises(Refused, match="has no token"):
        require(lab, planted)


def test_a_copy_of_its_directory_is_not(lab: Lab, planted: Target, tmp_path: Path) -> None:
    copy = replace(lab, directory=tmp_path / lab.name)
    copy.data.mkdir(parents=True)
    for each in (marker.NAME, f"data/{guard.TOKEN_FILE}"):
        shutil.copy(lab.directory / each, copy.directory / each)
    with pytest.raises(Refused, match="its data are elsewhere"):
        require(copy, planted)
    require(lab, planted)
    assert not (lab.data / guard.WORD_FILE).exists()


def test_one_that_somebody_uses_is_not(lab: Lab, planted: Target) -> None:
    with (
        connect(planted, application="psql"),
        pytest.raises(Refused, match=r"1 others are connected .* 'psql'"),
    ):
        require(lab, planted)


def test_a_protected_one_and_one_that_stays_are_not(lab: Lab, planted: Target) -> None:
    with pytest.raises(Refused, match="is protected"):
        require(lab, replace(planted, protected=True), destroys=False)
    stays = replace(lab, temporary=False)
    require(stays, planted, destroys=False)
    with pytest.raises(Refused, match="meant to stay"):
        require(stays, planted)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://a@db1/trading",
        "postgresql://a@localhost/trading?host=/run,db1",
        "postgresql://a@localhost/trading?host=/run&hostaddr=10.0.0.1",
        "mariadb://a@10.0.0.1:3306/trading",
    ],
)
def test_another_machine_is_not(lab: Lab, url: str) -> None:
    with pytest.raises(Refused, match="is not this machine"):
        require(lab, Target(name="far", url=url))


def test_a_directory_that_is_no_lab_is_not(lab: Lab, target: Target, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no lab of stockops"):
        require(replace(lab, directory=tmp_path), target)


def test_the_switch_is_heard_at_once(
    lab: Lab, planted: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert guard.allowed() is None
    path = guard.switch_files()[1]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    with pytest.raises(Refused, match=re.escape(str(path))):
        require(lab, planted, destroys=False)
    path.unlink()
    assert guard.allowed() is None
    monkeypatch.setenv(guard.SWITCH, "1")
    with pytest.raises(Refused, match="STOCKOPS_NO_CHAOS"):
        require(lab, planted, destroys=False)
