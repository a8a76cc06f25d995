"""
A repository on storage that speaks S3.

S3 has no rename: the objects of a backup are written under its final name, and its manifest, which
is written last and removed first, is what makes it one. It has no lock either, see `s3lease`.
"""

import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import IO, Any, cast

from ..errors import StorageError
from . import manifest, s3lease, s3place
from .s3bucket import Bucket
from .s3errors import NotDone
from .s3lease import Lease
from .s3upload import Download, Upload
from .store import Entry

_ASKING = 8  # at once
_AT_ONCE = 1000  # objects that one request removes
_IMMUTABLE = ("backups/", "archive/")
_BRIEF = (manifest.RUNNING, manifest.FAILED)


class S3Store:
    """Objects in a bucket below a prefix."""

    def __init__(self, place: s3place.Place, *, lease_s: float = s3lease.LEASE_S) -> None:
        self.bucket = Bucket(place)
        self._lease_s = lease_s
        self._leases: list[Lease] = []
        self._locking: bool | None = None

    @property
    def place(self) -> str:
        """The place as it is written on a command line."""
        return self.bucket.place.text

    @contextmanager
    def create(self, name: str, *, replace: bool = False) -> Iterator[IO[bytes]]:
        """Send its parts; it is there when the store has been told that this was all."""
        self._require_locks()
        key = self._key(name)
        if not replace and self._is_there(key):
            raise FileExistsError(name)
        immutable = name.startswith(_IMMUTABLE) and not name.endswith(_BRIEF)
        upload = Upload(self.bucket, key, replace=replace, immutable=immutable)
        try:
            yield cast(IO[bytes], upload)
            self._require_locks()
        except BaseException:
            upload.abort()
            raise
        try:
            upload.finish()
        except BaseException:
            upload.abort()
            raise

    def open(self, name: str) -> IO[bytes]:
        """Read it in ranges, a few ahead."""
        return cast(IO[bytes], io.BufferedReader(Download(self.bucket, self._key(name)), 1 << 20))

    def entries(self, prefix: str) -> list[Entry]:
        """List what is below `prefix`; the stamp is the tag, the size and the time."""
        found = [self._entry(each) for each in self._listed(self._folder_key(prefix))]
        return sorted(found, key=lambda entry: entry.name)

    def folders(self, prefix: str) -> list[str]:
        """List what has the same next part of its name."""
        top = self._folder_key(prefix)
        found: set[str] = set()
        for page in self.bucket.listing(top, delimiter="/"):
            said = page.get("CommonPrefixes", ())
            found |= {str(each["Prefix"])[len(top) :].rstrip("/") for each in said}
        return sorted(found - {""})

    def partial(self, folder: str) -> str:
        """Return `folder` itself: without a manifest it is no backup yet."""
        return folder

    def publish(self, folder: str) -> None:
        """Do nothing: the manifest did it."""

    def remove(self, prefix: str) -> None:
        """Remove the manifest first, then the rest, then parts that were never made an object."""
        self._require_locks()
        key = self._key(prefix)
        there = [str(each["Key"]) for each in self._listed(key)]
        mine = [each for each in there if each == key or each.startswith(f"{key}/")]
        last = [each for each in mine if each.endswith(f"/{manifest.NAME}")]
        rest = [each for each in mine if each not in last]
        for batch in (last, *(rest[at : at + _AT_ONCE] for at in range(0, len(rest), _AT_ONCE))):
            if batch:
                self._delete(batch)
        if mine != [key]:
            self._abort_uploads(f"{key}/", begun_before=None)

    def sweep(self, prefix: str) -> None:
        """Let go of parts that began to arrive a day ago and never became an object."""
        day_ago = datetime.now(UTC) - timedelta(days=1)
        self._abort_uploads(self._folder_key(prefix), begun_before=day_ago)

    def kept_until(self, names: Sequence[str]) -> Mapping[str, datetime]:
        """Ask for the lock of each, where the bucket knows locks at all."""
        if not names or not self._locks_objects():
            return {}
        with ThreadPoolExecutor(_ASKING) as pool:
            until = zip(names, pool.map(self._retained, names), strict=True)
            return {name: each for name, each in until if each is not None}

    def remains(self) -> str:
        """Say that a bucket with versions keeps what is removed."""
        try:
            status = self.bucket.ask("get_bucket_versioning").get("Status")
        except (StorageError, OSError):
            return "it cannot be told whether the bucket keeps versions of what is removed"
        if status != "Enabled":
            return ""
        return (
            "the bucket keeps versions: what is removed is hidden by a delete marker, and takes "
            "space until a lifecycle rule of the bucket expires noncurrent versions"
        )

    @contextmanager
    def lock(self, name: str, *, what: str) -> Iterator[None]:
        """Hold the object ``locks/name.json``."""
        key = self._key(f"locks/{name}.json")
        with s3lease.held(self.bucket, key, what=what, lease_s=self._lease_s) as lease:
            self._leases.append(lease)
            try:
                yield
            finally:
                self._leases.remove(lease)

    def is_locked(self, name: str) -> bool:
        """Look whether the object is there, and its owner not gone."""
        return s3lease.holder(self.bucket, self._key(f"locks/{name}.json")) is not None

    def outside(self, folders: Collection[str]) -> list[Entry]:
        """Return the objects that are not in one of `folders`, without a look into these."""
        top = self._folder_key("")
        pages = self.bucket.listing(top, delimiter="/")
        found = [self._entry(each) for page in pages for each in page.get("Contents", ())]
        for folder in self.folders(""):
            found += [] if folder in folders else self.entries(folder)
        return [entry for entry in found if entry.name]

    def require_ready(self) -> None:
        """Raise what stands in the way of keeping backups here."""
        next(self.bucket.listing(self._folder_key("")))
        if self.bucket.place.immutable_days and not self._locks_objects():
            raise StorageError(
                f"{self.bucket.place.bare}: the bucket cannot keep objects immutable",
                hint="Make one that can: aws s3api create-bucket --object-lock-enabled-for-bucket "
                "--bucket NAME; or leave out immutable_days.",
            )

    def _key(self, name: str) -> str:
        prefix = self.bucket.place.prefix
        return f"{prefix}/{name}" if prefix else name

    def _folder_key(self, folder: str) -> str:
        key = self._key(folder).strip("/")
        return f"{key}/" if key else ""

    def _listed(self, prefix: str) -> Iterator[dict[str, Any]]:
        for page in self.bucket.listing(prefix):
            for each in page.get("Contents", ()):
                if not str(each["Key"]).endswith("/"):  # a folder, as consoles make them
                    yield each

    def _entry(self, said: dict[str, Any]) -> Entry:
        size, tag = int(said["Size"]), str(said["ETag"]).strip('"')
        stamp = f"{tag}.{size}.{said['LastModified'].timestamp():.3f}"
        start = len(self._folder_key(""))
        return Entry(str(said["Key"])[start:], size, stamp)

    def _is_there(self, key: str) -> bool:
        try:
            self.bucket.ask("head_object", Key=key)
        except FileNotFoundError:
            return False
        return True

    def _delete(self, keys: Sequence[str]) -> None:
        said = self.bucket.ask(
            "delete_objects", Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True}
        )
        bad = said.get("Errors", ())
        if bad:
            raise StorageError(
                f"{self.bucket.place.bare}: {len(bad)} of {len(keys)} objects were not removed: "
                f"{bad[0].get('Key')}: {bad[0].get('Message') or bad[0].get('Code')}",
                hint="Grant the key s3:DeleteObject; then run it again.",
            )

    def _abort_uploads(self, prefix: str, *, begun_before: datetime | None) -> None:
        """Let the store forget parts of objects that were never finished."""
        with suppress(StorageError, OSError):  # not every store lists them
            said = self.bucket.ask("list_multipart_uploads", Prefix=prefix)
            for each in said.get("Uploads", ()):
                old = begun_before is None or each["Initiated"] < begun_before
                if old and str(each["Key"]).startswith(prefix):
                    self.bucket.ask(
                        "abort_multipart_upload", Key=each["Key"], UploadId=each["UploadId"]
                    )

    def _retained(self, name: str) -> datetime | None:
        try:
            said = self.bucket.ask("head_object", Key=self._key(name))
        except FileNotFoundError:
            return None
        until = said.get("ObjectLockRetainUntilDate")
        return until if isinstance(until, datetime) else None

    def _locks_objects(self) -> bool:
        """Tell whether the bucket was made for objects that are immutable; it stays as it is."""
        if self._locking is None:
            self._locking = self._asked_for_locks()
        return self._locking

    def _asked_for_locks(self) -> bool:
        try:
            said = self.bucket.ask("get_object_lock_configuration")
        except NotDone:
            return False
        except StorageError as exc:
            if "ObjectLockConfigurationNotFound" in str(exc):
                return False
            if "AccessDenied" in str(exc) and not self.bucket.place.immutable_days:
                return True  # it may: each object is asked for its own lock
            raise
        except FileNotFoundError:
            return False
        return bool(said.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled"))

    def _require_locks(self) -> None:
        for lease in list(self._leases):
            lease.require()
