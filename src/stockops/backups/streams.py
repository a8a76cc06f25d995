"""
Bytes on their way into a repository and out of it: compressed, encrypted, hashed, never whole.

In: raw bytes → zstd or lz4 → age → SHA-256 and a count → the object. Out: the same backwards. The
frames of zstd and lz4 carry checksums of the raw bytes, age authenticates each 64 KiB, and the
SHA-256 is that of what is stored, so that it can be checked without a key.
"""

import fcntl
import hashlib
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import IO, Any, Literal, Protocol, cast

from ..errors import ConfigError, StockopsError, StorageError
from .keys import Identities, Recipients
from .store import OutOfReach

Compression = Literal["zstd", "lz4", "none"]
COMPRESSIONS: tuple[Compression, ...] = ("zstd", "lz4", "none")
CHUNK_BYTES = 1 << 20
_SUFFIXES = {"zstd": ".zst", "lz4": ".lz4", "none": ""}
_F_SETPIPE_SZ = 1031
_NO_KEY = "No matching keys"  # as age says it


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How bytes are stored."""

    compression: Compression = "zstd"
    level: int = 3
    recipients: Recipients = ()

    @property
    def suffix(self) -> str:
        """What a name of such an object ends with."""
        return _SUFFIXES[self.compression] + (".age" if self.recipients else "")


def form_of(name: str) -> tuple[Compression, bool]:
    """Return how the object `name` is compressed, and whether it is encrypted."""
    bare = name.removesuffix(".age")
    for compression in COMPRESSIONS:
        if _SUFFIXES[compression] and bare.endswith(_SUFFIXES[compression]):
            return compression, bare != name
    return "none", bare != name


class Writable(Protocol):
    """What takes bytes."""

    def write(self, data: bytes, /) -> Any:
        """Take `data`."""


@dataclass(slots=True)
class Counted:
    """A file that counts and hashes what goes into it."""

    file: IO[bytes]
    stored_bytes: int = 0
    digest: Any = None

    def __post_init__(self) -> None:
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        """Write `data`."""
        self.file.write(data)
        self.digest.update(data)
        self.stored_bytes += len(data)
        return len(data)

    def flush(self) -> None:
        """Do nothing: the object is flushed as it ends."""


class Writer:
    """Takes raw bytes; once its block has ended, it knows what came of them."""

    def __init__(self, top: Writable, bottom: Counted) -> None:
        self._top = top
        self._bottom = bottom
        self.raw_bytes = 0

    def write(self, data: bytes) -> None:
        """Take `data`."""
        self.raw_bytes += len(data)
        self._top.write(data)

    @property
    def stored_bytes(self) -> int:
        """How many bytes were stored so far."""
        return self._bottom.stored_bytes

    @property
    def sha256(self) -> str:
        """The hash of what was stored, in hexadecimal."""
        return str(self._bottom.digest.hexdigest())


@contextmanager
def writing(sink: IO[bytes], form: Form) -> Iterator[Writer]:
    """Give a `Writer` whose raw bytes end up in `sink` in the `form` asked for."""
    bottom = Counted(sink)
    with _encrypting(bottom, form.recipients) as below, _compressing(below, form) as top:
        yield Writer(top, bottom)


@contextmanager
def _compressing(below: Writable, form: Form) -> Iterator[Writable]:
    if form.compression == "none":
        yield below
    elif form.compression == "zstd":
        import zstandard  # noqa: PLC0415  most commands compress nothing

        # Two threads: the one that reads must not wait for the one that compresses.
        packer = zstandard.ZstdCompressor(level=form.level, threads=2, write_checksum=True)
        with packer.stream_writer(
            cast(IO[bytes], below), write_size=CHUNK_BYTES, closefd=False
        ) as top:
            yield top
    else:
        import lz4.frame  # noqa: PLC0415

        frame = lz4.frame.LZ4FrameCompressor(
            block_size=lz4.frame.BLOCKSIZE_MAX1MB, content_checksum=True, auto_flush=True
        )
        below.write(frame.begin())
        yield _Lz4(frame, below)
        below.write(frame.flush())


class _Lz4:
    def __init__(self, frame: Any, below: Writable) -> None:
        self._frame = frame
        self._below = below

    def write(self, data: bytes) -> None:
        self._below.write(self._frame.compress(data))


@contextmanager
def _encrypting(below: Writable, recipients: Recipients) -> Iterator[Writable]:
    if not recipients:
        yield below
        return
    import pyrage  # noqa: PLC0415

    keys = [recipient.key for recipient in recipients]
    with _pumped(lambda source: pyrage.encrypt_io(source, below, keys)) as top:
        yield top


@contextmanager
def _pumped(work: Any) -> Iterator[IO[bytes]]:
    """Give a pipe whose other end `work` reads in a thread of its own; its error is raised here."""
    out, into = os.pipe()
    for end in (out, into):
        with suppress(OSError):
            fcntl.fcntl(end, _F_SETPIPE_SZ, CHUNK_BYTES)
    failure: list[BaseException] = []

    def run() -> None:
        with os.fdopen(out, "rb") as source:
            try:
                work(source)
            except BaseException as exc:  # it is raised where the block ends
                failure.append(exc)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        with os.fdopen(into, "wb", buffering=CHUNK_BYTES) as top:
            yield top
    except BrokenPipeError:
        thread.join()
        if not failure:
            raise
    finally:
        thread.join()
    if failure:
        raise failure[0]


class Reader:
    """Gives raw bytes, and knows at the end whether they were all there and as they were stored."""

    def __init__(self, top: Any, bottom: "_Hashed", *, name: str) -> None:
        self._top = top
        self._bottom = bottom
        self._name = name
        self.raw_bytes = 0

    def read(self, size: int = CHUNK_BYTES) -> bytes:
        """Return at most `size` bytes; none at the end."""
        try:
            data: bytes = self._top.read(size)
        except Exception as exc:  # each library has its own for bytes it cannot make sense of
            if self._bottom.trouble is not None:
                raise self._bottom.trouble from exc
            if isinstance(exc, StockopsError):
                raise
            raise damaged(self._name, str(exc)) from exc
        self.raw_bytes += len(data)
        return data

    def chunks(self) -> Iterator[bytes]:
        """Give what is left."""
        while data := self.read():
            yield data

    def check(self, *, sha256: str | None, raw_bytes: int | None) -> None:
        """Raise `StorageError` where what was read, all of it, is not what was stored once."""
        self._bottom.drain()
        if raw_bytes is not None and raw_bytes != self.raw_bytes:
            raise damaged(self._name, f"{self.raw_bytes} of {raw_bytes} bytes came out")
        if sha256 is not None and sha256 != self._bottom.digest.hexdigest():
            raise damaged(self._name, "its SHA-256 is another one")


class _Hashed:
    """A file that hashes what is read from it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.trouble: OutOfReach | None = None

    def read(self, size: int = -1) -> bytes:
        try:
            data = self._file.read(size)
        except OutOfReach as exc:  # a library above may take it for damage
            self.trouble = exc
            raise
        self.digest.update(data)
        return data

    def drain(self) -> None:
        while self.read(CHUNK_BYTES):
            pass


@contextmanager
def reading(source: IO[bytes], *, name: str, identities: Identities = ()) -> Iterator[Reader]:
    """Give a `Reader` of the raw bytes of the object `name`, whose ending says how it is stored."""
    compression, encrypted = form_of(name)
    if encrypted and not identities:
        raise ConfigError(
            f"{name!r} is encrypted, and there is no key to read it",
            hint="Name the file of the age identity with --identity.",
        )
    bottom = _Hashed(source)
    with ExitStack() as stack:
        below = stack.enter_context(_decrypting(bottom, name, identities)) if encrypted else bottom
        if compression == "zstd":
            import zstandard  # noqa: PLC0415

            unpacker = zstandard.ZstdDecompressor()
            top: Any = unpacker.stream_reader(
                cast(IO[bytes], below), read_size=CHUNK_BYTES, closefd=False
            )
        elif compression == "lz4":
            import lz4.frame  # noqa: PLC0415

            top = lz4.frame.LZ4FrameFile(below)
        else:
            top = below
        yield Reader(top, bottom, name=name)


@contextmanager
def _decrypting(source: _Hashed, name: str, identities: Identities) -> Iterator[IO[bytes]]:
    import pyrage  # noqa: PLC0415

    out, into = os.pipe()
    keys = [identity.key for identity in identities]
    failure: list[BaseException] = []

    def run() -> None:
        with os.fdopen(into, "wb", buffering=CHUNK_BYTES) as target, suppress(BrokenPipeError):
            try:
                pyrage.decrypt_io(source, target, keys)
            except BrokenPipeError:
                raise
            except BaseException as exc:  # it is raised where the bytes are read
                failure.append(exc)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    with os.fdopen(out, "rb") as file:
        try:
            yield _Checked(file, failure, name)  # type: ignore[misc]
        finally:
            file.close()
            thread.join()


class _Checked:
    """The end of a pipe: where it is empty, the one who filled it is asked how it went."""

    def __init__(self, file: IO[bytes], failure: Sequence[BaseException], name: str) -> None:
        self._file = file
        self._failure = failure
        self._name = name

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        if len(data) < size and self._failure:
            if _NO_KEY in str(self._failure[0]):
                raise ConfigError(
                    f"none of the keys opens {self._name!r}",
                    hint="Name the identity of one of its recipients with --identity; that its "
                    "bytes are as they were stored says stockops backup verify",
                )
            raise damaged(self._name, f"it cannot be decrypted: {self._failure[0]}")
        return data


def damaged(name: str, why: str) -> StorageError:
    """Return the error for the object `name`, which is not what was stored."""
    return StorageError(
        f"{name!r} is damaged: {why}", hint="Look which backups it breaks: stockops backup verify"
    )
