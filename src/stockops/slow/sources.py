"""The files of a log: found, opened, and unpacked as they are read."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

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
        else:
            from . import packing  # noqa: PLC0415  four libraries that a plain log does without

            with packing.unpacked(raw, kind) as stream:
                yield stream


def damaged() -> tuple[type[Exception], ...]:
    """Return what reading raises where a file is cut off or damaged: asked when it has."""
    from . import packing  # noqa: PLC0415

    return (OSError, *packing.DAMAGED)


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
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
