"""What stockops remembers: where it is, who may read it, and that it is whole."""

import os
import threading
from pathlib import Path

import pytest

from stockops import disk, state
from stockops.errors import ConfigError, StorageError


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_the_folder_is_this_users_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STOCKOPS_STATE", str(tmp_path / "a" / "b"))
    before = os.umask(0o177)
    try:
        folder = state.folder("jobs")
    finally:
        os.umask(before)
    assert (folder, mode(folder)) == (tmp_path / "a" / "b" / "jobs", 0o700)
    assert mode(state.folder()) == 0o700
    state.write(folder / "x.json", {"a": 1})
    assert mode(folder / "x.json") == 0o600


def test_without_a_word_it_is_where_state_usually_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STOCKOPS_STATE")
    monkeypatch.setenv("XDG_STATE_HOME", "/x/state")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert state.place() == Path("/x/state/stockops")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert state.place() == Path("/var/lib/stockops")


def test_a_folder_that_cannot_be_made_says_which_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("STOCKOPS_STATE", str(tmp_path / "file" / "below"))
    with pytest.raises(ConfigError) as raised:
        state.folder()
    assert "STOCKOPS_STATE" in (raised.value.hint or "")


def test_what_is_written_is_read_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    assert state.read(path) is None
    state.write(path, {"이름": [1, None, "é"]})
    state.write(path, {"이름": [2]})
    assert state.read(path) == {"이름": [2]}
    assert [*tmp_path.iterdir()] == [path]


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    values = [["a"] * 5000, ["b"] * 9000]
    state.write(path, values[0])

    def write() -> None:
        for number in range(60):
            state.write(path, values[number % 2])

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert state.read(path) in values
    assert [*tmp_path.iterdir()] == [path]


def test_what_cannot_be_written_leaves_the_file_of_before(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    state.write(path, 1)
    with pytest.raises(TypeError):
        state.write(path, object())
    with pytest.raises(IsADirectoryError):
        disk.write_whole(tmp_path, b"")
    os.mkfifo(pipe := tmp_path / "pipe")  # as /dev/null and /dev/stdout are none of ours to replace
    with pytest.raises(FileExistsError, match="no file"):
        disk.write_whole(pipe, b"")
    pipe.unlink()
    with pytest.raises(StorageError, match="No such file"):
        state.write(tmp_path / "none" / "x.json", 1)
    assert state.read(path) == 1
    assert [*tmp_path.iterdir()] == [path]


def test_a_damaged_file_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(b'{"a": \xff')
    with pytest.raises(StorageError, match="holds no JSON"):
        state.read(tmp_path / "x.json")
