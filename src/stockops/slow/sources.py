"""The files of a log: found, opened, and unpacked as they are read."""

import bz2
import gzip
import lzma
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import zstandard

from ..errors import ConfigError

STDIN = "-"
_MAGIC = {b"\x1f\x8b": "gz", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zst", b"\xfd7zXZ": "xz"}


def find(names: Sequence[str]) -> list[str]:
    """
    Return the files that `names` mean, sorted, each once; a directory means the files in it.

    Raises `ConfigError` where a name means nothing.
    """
    found: dict[str, None] = {}
    for name in names:
        path = Path(name)
        if name == STDIN:
            found[name] = None
        elif path.is_dir():
            inside = sorted(str(each) for each in path.iterdir() if each.is_file())
            if not inside:
                raise ConfigError(f"there is no file in {name!r}", hint="Name the log files.")
            found |= dict.fromkeys(inside)
        elif path.exists():
            found[name] = None
        else:
            raise ConfigError(f"there is no file {name!r}", hint="Look: ls -l " + str(path.parent))
    return sorted(found)


def is_plain(file: str) -> bool:
    """Tell whether `file` can be read anywhere within, not just from its start."""
    if file == STDIN or not Path(file).is_file():
        return False
    with _opened(file) as raw:
        return _packed(raw.read(8)) is None


@contextmanager
def unpacked(file: str) -> Iterator[IO[bytes]]:
    """Open `file` as a stream of what it holds, unpacked where it is packed."""
    if file == STDIN:
        yield sys.stdin.buffer
        return
    with _opened(file) as raw:
        kind = _packed(raw.read(8))
        raw.seek(0)
        if kind is None:
            yield raw
        elif kind == "zst":
            with zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True) as stream:
                yield cast("IO[bytes]", stream)
        else:
            readers: dict[str, Any] = {"gz": gzip.open, "bz2": bz2.open, "xz": lzma.open}
            with readers[kind](raw, "rb") as stream:
                yield stream


@contextmanager
def _opened(file: str) -> Iterator[IO[bytes]]:
    try:
        with Path(file).open("rb") as raw:
            yield raw
    except OSError as exc:
        raise ConfigError(
            f"{file!r} cannot be read: {exc.strerror}", hint=f"Look: ls -l {file}"
        ) from exc


def _packed(head: bytes) -> str | None:
    for magic, kind in _MAGIC.items():
        if head.startswith(magic):
            return kind
    return None
