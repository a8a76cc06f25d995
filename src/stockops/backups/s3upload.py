"""
An object on its way to S3, and one on its way back, in pieces of bounded size.

What is written becomes an object when `finish` was answered, and never before: a process that is
killed leaves parts that nobody can read.
"""

import io
import secrets
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from ..errors import StorageError
from .s3bucket import Bucket
from .s3errors import NoBytes
from .store import OutOfReach

_PARTS_MAX = 10_000
_ON_THE_WAY = 2  # pieces in memory beside the one at hand
_READ_BYTES = 8 << 20
_MARK = "stockops-write"  # in an object's metadata: who wrote it


class Upload:
    """Takes the bytes of the object `key`. Without `replace` one that is there is kept."""

    def __init__(self, bucket: Bucket, key: str, *, replace: bool, immutable: bool) -> None:
        self._bucket = bucket
        self._key = key
        self._condition = {} if replace else {"IfNoneMatch": "*"}
        self._mark = secrets.token_hex(8)
        self._says: dict[str, Any] = {"Metadata": {_MARK: self._mark}}
        if immutable and bucket.place.immutable_days:
            until = datetime.now(UTC) + timedelta(days=bucket.place.immutable_days)
            self._says["ObjectLockMode"] = bucket.place.immutable_mode.upper()
            self._says["ObjectLockRetainUntilDate"] = until
        self._part_bytes = bucket.place.part_mb << 20
        self._pieces: list[bytes] = []  # of the part at hand
        self._bytes = 0
        self._upload: str | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._sending: deque[Future[str]] = deque()
        self._tags: list[str] = []

    def write(self, data: bytes) -> int:
        """Take `data`; full parts leave while the next one fills."""
        view = memoryview(data)
        while self._bytes + len(view) > self._part_bytes:
            room = self._part_bytes - self._bytes
            self._pieces.append(bytes(view[:room]))
            view = view[room:]
            self._send(self._part())
        self._pieces.append(bytes(view))
        self._bytes += len(view)
        return len(data)

    def flush(self) -> None:
        """Do nothing: it is durable when it is finished, and not before."""

    def finish(self) -> None:
        """Make it an object; raise `FileExistsError` where there is one that must be kept."""
        try:
            if self._upload is None:
                self._put(self._part())
            else:
                self._send(self._part())
                while self._sending:
                    self._tags.append(self._sending.popleft().result())
                self._complete()
        except (FileExistsError, FileNotFoundError) as exc:
            # Where an answer of the store was lost, its repetition meets our own object.
            if self._is_ours():
                return
            if isinstance(exc, FileExistsError):
                raise
            raise StorageError(
                f"the upload of {self._key!r} was ended by somebody else", hint="Run it again."
            ) from exc
        finally:
            self._end()

    def abort(self) -> None:
        """Forget it; what stands in the way is left to the next removal of its folder."""
        for each in self._sending:
            each.cancel()
        self._end()
        if self._upload is not None:
            with suppress(StorageError, OSError):
                self._bucket.ask("abort_multipart_upload", Key=self._key, UploadId=self._upload)

    def _part(self) -> bytes:
        part = b"".join(self._pieces)
        self._pieces.clear()
        self._bytes = 0
        return part

    def _send(self, part: bytes) -> None:
        if self._upload is None:
            said = self._bucket.ask("create_multipart_upload", Key=self._key, **self._says)
            self._upload = str(said["UploadId"])
            self._pool = ThreadPoolExecutor(_ON_THE_WAY)
        number = len(self._tags) + len(self._sending) + 1
        if number > _PARTS_MAX:
            raise StorageError(
                f"{self._key!r} has more than {_PARTS_MAX:,} parts",
                hint=f"Make them larger: part_mb={self._bucket.place.part_mb * 4}",
            )
        while len(self._sending) >= _ON_THE_WAY:
            self._tags.append(self._sending.popleft().result())
        pool = self._pool
        if pool is not None:
            self._sending.append(pool.submit(self._sent, number, part))

    def _sent(self, number: int, part: bytes) -> str:
        said = self._bucket.ask(
            "upload_part", Key=self._key, UploadId=self._upload, PartNumber=number, Body=part
        )
        return str(said["ETag"])

    def _put(self, data: bytes) -> None:
        self._bucket.conditioned(
            "put_object", self._condition, Key=self._key, Body=data, **self._says
        )

    def _complete(self) -> None:
        parts = [{"ETag": tag, "PartNumber": at + 1} for at, tag in enumerate(self._tags)]
        self._bucket.conditioned(
            "complete_multipart_upload",
            self._condition,
            Key=self._key,
            UploadId=self._upload,
            MultipartUpload={"Parts": parts},
        )

    def _is_ours(self) -> bool:
        with suppress(FileNotFoundError):
            said = self._bucket.ask("head_object", Key=self._key)
            return bool(said.get("Metadata", {}).get(_MARK) == self._mark)
        return False

    def _end(self) -> None:
        if self._pool is not None:
            self._pool.shutdown()


class Download(io.RawIOBase):
    """Reads one object, the next piece while this one is used; of one version from start to end."""

    def __init__(self, bucket: Bucket, key: str) -> None:
        super().__init__()
        self._bucket = bucket
        self._key = key
        self._pool: ThreadPoolExecutor | None = None
        self._coming: deque[Future[bytes]] = deque()
        self._piece = memoryview(b"")
        self._tag, self._size, first = self._first()
        self._asked = len(first)
        self._piece = memoryview(first)

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` as far as the piece at hand goes."""
        if not self._piece:
            self._ask_ahead()
            if not self._coming:
                return 0
            self._piece = memoryview(self._coming.popleft().result())
        count = min(len(buffer), len(self._piece))
        buffer[:count] = self._piece[:count]
        self._piece = self._piece[count:]
        self._ask_ahead()
        return count

    def close(self) -> None:
        """Let go of what is still coming."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
        super().close()

    def _first(self) -> tuple[str, int, bytes]:
        try:
            said, data = self._bucket.fetch(self._key, Range=f"bytes=0-{_READ_BYTES - 1}")
        except NoBytes:
            return "", 0, b""
        size = str(said.get("ContentRange", "")).rpartition("/")[2]
        return str(said["ETag"]), int(size) if size.isdigit() else len(data), data

    def _ask_ahead(self) -> None:
        while self._asked < self._size and len(self._coming) < _ON_THE_WAY:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(_ON_THE_WAY)
            last = min(self._asked + _READ_BYTES, self._size) - 1
            self._coming.append(self._pool.submit(self._ranged, self._asked, last))
            self._asked = last + 1

    def _ranged(self, first: int, last: int) -> bytes:
        try:
            data = self._bucket.fetch(self._key, Range=f"bytes={first}-{last}", IfMatch=self._tag)[
                1
            ]
        except (FileNotFoundError, FileExistsError):
            raise StorageError(
                f"{self._key!r} was changed or removed while it was read", hint="Try it again."
            ) from None
        if len(data) != last - first + 1:
            raise OutOfReach(f"{self._key!r} came in part", hint="Try it again.")
        return data
