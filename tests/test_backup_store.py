"""What every store of backups does: on a directory, and on S3."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from s3site import Site, serving

from stockops.backups import repository
from stockops.backups.store import Store
from stockops.errors import Busy


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "key")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        with serving() as site:
            yield site


@pytest.fixture(params=["a directory", "a bucket"])
def store(request: pytest.FixtureRequest, site: Site, tmp_path: Path) -> Store:
    place = str(tmp_path / "repository") if request.param == "a directory" else site.place()
    return repository.store_at(place, make=True)


def write(store: Store, name: str, data: bytes = b"x", *, replace: bool = False) -> None:
    with store.create(name, replace=replace) as file:
        file.write(data)


def read(store: Store, name: str) -> bytes:
    with store.open(name) as file:
        return file.read()


def names(store: Store, prefix: str = "") -> list[str]:
    return [entry.name for entry in store.entries(prefix)]


@pytest.mark.parametrize("size", [0, 1, 8 << 20, (20 << 20) + 7], ids=lambda size: f"{size} bytes")
def test_what_was_written_is_read(store: Store, size: int) -> None:
    data = os.urandom(size)
    write(store, "backups/a/base", data)
    assert read(store, "backups/a/base") == data
    [entry] = store.entries("backups")
    assert (entry.name, entry.stored_bytes) == ("backups/a/base", size)


def test_nothing_is_there_before_the_end(store: Store) -> None:
    with store.create("a/b") as file:
        file.write(b"x")
        assert names(store) == []
    assert names(store) == ["a/b"]


def test_what_is_broken_off_was_never_there(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.create("a/b") as file:
        file.write(b"x" * 100)
        raise ZeroDivisionError
    assert names(store) == []
    assert store.folders("a") == []


def test_what_is_there_is_kept_unless_it_is_replaced(store: Store) -> None:
    write(store, "a", b"first")
    [before] = store.entries("")
    with pytest.raises(FileExistsError):
        write(store, "a", b"second")
    assert read(store, "a") == b"first"
    write(store, "a", b"third", replace=True)
    assert read(store, "a") == b"third"
    [after] = store.entries("")
    assert before.stamp != after.stamp


def test_two_that_write_one_name_at_once_are_one_object(store: Store) -> None:
    with pytest.raises(FileExistsError), store.create("a") as file:
        file.write(b"slow")
        write(store, "a", b"fast")
    assert read(store, "a") == b"fast"


def test_what_is_not_there_says_so(store: Store) -> None:
    with pytest.raises(FileNotFoundError):
        store.open("nothing/here")
    assert store.entries("nothing") == []
    assert store.folders("nothing") == []
    store.remove("nothing")


def test_a_folder_is_not_another_whose_name_begins_as_its(store: Store) -> None:
    for name in ("a/b/1", "a/b/c/2", "a/bb/3", "a/b.partial/4", "ab/5"):
        write(store, name)
    assert names(store, "a/b") == ["a/b/1", "a/b/c/2"]
    assert store.folders("a") == ["b", "b.partial", "bb"]
    assert store.folders("") == ["a", "ab"]
    store.remove("a/b")
    assert names(store) == ["a/b.partial/4", "a/bb/3", "ab/5"]
    store.remove("ab/5")
    assert names(store) == ["a/b.partial/4", "a/bb/3"]


def test_odd_names_come_back_as_they_were(store: Store) -> None:
    odd = ["a b", "a+b", "a%20b", "가나다", "a&b=c?d#e", "'\"<>", "a\\b"]
    for name in odd:
        write(store, f"odd/{name}", name.encode())
    assert names(store, "odd") == sorted(f"odd/{name}" for name in odd)
    assert all(read(store, f"odd/{name}") == name.encode() for name in odd)
    store.remove("odd")
    assert names(store) == []


def test_a_published_folder_has_its_name(store: Store) -> None:
    write(store, f"{store.partial('backups/one')}/base", b"1")
    write(store, f"{store.partial('backups/one')}/manifest.json", b"{}")
    store.publish("backups/one")
    assert names(store) == ["backups/one/base", "backups/one/manifest.json"]


def test_a_long_file_is_on_its_way_to_the_disk_while_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[tuple[int, int]] = []
    advise = os.posix_fadvise

    def seen(number: int, first: int, count: int, what: int, /) -> None:
        begun.append((first, count))
        advise(number, first, count, what)

    monkeypatch.setattr(os, "posix_fadvise", seen)
    piece = bytes(range(256)) * (1 << 12)
    here = repository.store_at(str(tmp_path / "here"), make=True)
    with here.create("long") as file:
        for _ in range(20):
            file.write(piece)
        assert begun == [(0, 8 << 20), (8 << 20, 8 << 20)]
    assert read(here, "long") == piece * 20


def test_a_lock_is_held_once(store: Store) -> None:
    assert not store.is_locked("it")
    with store.lock("it", what="the thing"):
        assert store.is_locked("it")
        assert not store.is_locked("other")
        with (
            pytest.raises(Busy, match="the thing is in use by process"),
            store.lock("it", what="the thing"),
        ):
            pass
        with store.lock("other", what="another"):
            pass
    assert not store.is_locked("it")
    with store.lock("it", what="the thing"):
        pass
    assert [name for name in names(store) if not name.startswith("locks/")] == []
