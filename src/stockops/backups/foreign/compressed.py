"""
Files of other tools, read as their raw bytes however they are compressed.

What a file begins with says how. A stream that ends too early is an error here: several of the
libraries just stop.
"""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol, cast

from ...errors import StorageError

CHUNK_BYTES = 1 << 20
HEAD_BYTES = 64 << 10
ENDINGS = ("", ".gz", ".zst", ".lz4", ".bz2", ".xz")
_MAGICS = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
}


class Readable(Protocol):
    """What gives bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes; none at the end."""


class _Zstd:
    """Frames of zstd, one after the other; the library's own reader takes a cut one for whole."""

    def __init__(self, file: Readable) -> None:
        import zstandard  # noqa: PLC0415  most commands read nothing compressed

        self._file = file
        self._make = zstandard.ZstdDecompressor().decompressobj
        self._frame: Any = None
        self._out = b""

    def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self._out) < size:
            data = self._file.read(CHUNK_BYTES // 4)
            if not data:
                if self._frame is not None and not self._frame.eof:
                    raise EOFError("it ends in the middle of a frame")
                break
            self._out += self._unpacked(data)
        size = len(self._out) if size < 0 else size
        given, self._out = self._out[:size], self._out[size:]
        return given

    def _unpacked(self, data: bytes) -> bytes:
        out = []
        while data:
            if self._frame is None or self._frame.eof:
                self._frame = self._make()
            out.append(self._frame.decompress(data))
            data = self._frame.unused_data if self._frame.eof else b""
        return b"".join(out)


class _Named:
    """A file whose bytes, where they make no sense, are an error that names it."""

    def __init__(self, file: Readable, name: str) -> None:
        self._file = file
        self._name = name

    def read(self, size: int = -1) -> bytes:
        try:
            return self._file.read(size)
        except (EOFError, RuntimeError, ValueError, zlib.error, lzma.LZMAError, OSError) as exc:
            if isinstance(exc, OSError) and exc.errno is not None:  # the disk, not the bytes
                raise
            raise _damaged(self._name, exc) from exc
        except Exception as exc:  # zstandard has an error of its own, which is loaded late
            raise _damaged(self._name, exc) from exc


def _damaged(name: str, exc: Exception) -> StorageError:
    said = " ".join(str(exc).split()) or type(exc).__name__
    return StorageError(f"{name} cannot be decompressed ({said})")


def form_of(head: bytes) -> str:
    """Return how bytes that begin with `head` are compressed; "" where they are not."""
    return next((form for magic, form in _MAGICS.items() if head.startswith(magic)), "")


@contextmanager
def opened(path: Path, *, name: str = "") -> Iterator[Readable]:
    """Give the raw bytes of `path`; a damaged stream raises `StorageError`."""
    with path.open("rb") as file:
        yield unpacked(file, name=name or path.name)


def unpacked(file: IO[bytes], *, name: str) -> Readable:
    """Return the raw bytes of `file`, which is at its beginning and can be sought."""
    form = form_of(file.read(8))
    file.seek(0)
    return _Named(_reader(file, form), name)


def _reader(file: IO[bytes], form: str) -> Readable:
    match form:
        case "gzip":
            return gzip.GzipFile(fileobj=file)
        case "bzip2":
            return bz2.BZ2File(file)
        case "xz":
            return lzma.LZMAFile(file)
        case "zstd":
            return _Zstd(file)
        case "lz4":
            import lz4.frame  # noqa: PLC0415

            return cast(Readable, lz4.frame.LZ4FrameFile(file))
    return file


def chunks(file: Readable) -> Iterator[bytes]:
    """Give what is left of `file`."""
    while data := file.read(CHUNK_BYTES):
        yield data


def head(path: Path) -> bytes:
    """Return the first raw bytes of `path`; nothing where they cannot be had."""
    try:
        with opened(path) as file:
            return file.read(HEAD_BYTES)
    except (StorageError, OSError):
        return b""


def bare(name: str) -> str:
    """Return `name` without the ending of a compression."""
    for ending in ENDINGS[1:]:
        if name.endswith(ending):
            return name.removesuffix(ending)
    return name


def beside(folder: Path, name: str) -> Path | None:
    """Return the file `name` in `folder`, compressed or not; None where there is none."""
    for ending in ENDINGS:
        path = folder / f"{name}{ending}"
        if path.is_file():
            return path
    return None
