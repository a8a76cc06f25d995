"""What an error says is in a log can be read when the directory of that log is gone."""

from pathlib import Path

import pytest

from stockops import children, logs, scratch
from stockops import lab as labs
from stockops.errors import ServerError


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where logs are kept, and scratch directories made."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def fail(said: str = "because of this") -> None:
    with scratch.directory("trial") as work:
        argv = ["/bin/sh", "-c", 'echo "$0" >&2; exit 3', said]
        children.run(argv, cwd=work, log=work / "tool.log", env={}, within_s=10)


def test_a_log_outlives_its_scratch_directory(place: Path) -> None:
    with pytest.raises(ServerError, match="left with code 3") as caught:
        fail()
    [log] = place.iterdir()
    assert log.read_text() == "because of this\n"
    assert log.stat().st_mode & 0o777 == 0o600
    assert caught.value.hint == f"Read the log: less {log}"
    assert f"the log {str(log)!r} ends with:\n    because of this" in str(caught.value)
    assert "trial" not in f"{caught.value} {caught.value.hint}"


def test_the_newest_logs_are_kept(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "KEPT_MAX", 2)
    for said in ("one", "two", "three"):
        with pytest.raises(ServerError):
            fail(said)
    assert {each.read_text() for each in place.iterdir()} == {"two\n", "three\n"}


def test_a_log_that_finds_no_place_is_not_named_as_if_it_were_there(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ServerError) as caught, scratch.directory("trial") as work:
        monkeypatch.setattr("tempfile.tempdir", str(place / "nowhere"))
        argv = ["/bin/sh", "-c", "echo why >&2; exit 3"]
        children.run(argv, cwd=work, log=work / "tool.log", env={}, within_s=10)
    assert "\n    why" in str(caught.value)
    assert str(caught.value.hint).startswith("Its last lines are all there is")


def test_the_log_of_a_server_outlives_its_temporary_lab(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ServerError) as caught, labs.temporary(engine) as lab:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        labs.run_sql(lab, "this is no SQL", database=labs.DATABASE)
    assert not lab.directory.exists()
    [log] = tmp_path.iterdir()
    assert "ready" in log.read_text()  # for connections, says each of them
    assert caught.value.hint == f"Read the log: less {log}"
    assert f"the log {str(log)!r} ends with" in str(caught.value)
