"""What is packed, as a stream of what it holds."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, BinaryIO, cast

import zstandard

# What reading raises where something packed is cut off or damaged.
DAMAGED = (EOFError, ValueError, zlib.error, lzma.LZMAError, zstandard.ZstdError)


@contextmanager
def unpacked(raw: BinaryIO, kind: str) -> Iterator[IO[bytes]]:
    """Open `raw`, which is packed as `kind` says: gz, bz2, xz or zst."""
    if kind == "zst":
        with zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True) as stream:
            yield cast("IO[bytes]", stream)
    else:
        readers: dict[str, Any] = {"gz": gzip.open, "bz2": bz2.open, "xz": lzma.open}
        with readers[kind](raw, "rb") as stream:
            yield stream
