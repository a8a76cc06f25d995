"""
A lock on S3: an object that one run makes, renews while it lives, and removes.

S3 knows no lock that dies with its process. So the object says who holds it and for how long: an
owner on this machine that is gone is seen at once, any other has lost it `LEASE_S` after its last
sign of life, by the clock of the store. Whoever lost it writes nothing any more.
"""

import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from .. import processes
from ..errors import Busy, StockopsError, StorageError
from ..processes import Process
from .s3bucket import Bucket, Said

LEASE_S = 60.0
_BEATS = 4  # in the time of a lease
_CALL_S = LEASE_S / _BEATS


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who holds a lock; a process is told from a later one of its number by when it began."""

    token: str
    host: str
    machine: str  # the boot of the kernel and the namespace of the number; "" where unknown
    pid: int
    began: str
    lease_s: float

    @property
    def is_dead(self) -> bool:
        """Whether this machine can see that the process is gone."""
        try:
            owner = Process(pid=self.pid, began=int(self.began), boot=self.machine)
            return owner.boot == processes.boot() and not owner.lives
        except (ValueError, OSError):
            return False


class Lease:
    """A lock that is held: alive as long as the store has heard of it not long ago."""

    def __init__(self, bucket: Bucket, key: str, owner: Owner, tag: str) -> None:
        self.key = key
        self._bucket = bucket
        self._owner = owner
        self._tag = tag
        self._lost = False
        self._until_s = time.monotonic() + owner.lease_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def require(self) -> None:
        """Raise `StorageError` where the lock may be another's by now."""
        if self._lost or time.monotonic() > self._until_s:
            raise StorageError(
                f"the lock {self.key!r} was lost: the store did not hear of this run for "
                f"{self._owner.lease_s:.0f} s",
                hint="Look at the network to the store, then run it again.",
            )

    def end(self) -> None:
        """Remove the object, if it is still ours."""
        self._over.set()
        self._thread.join(2 * _CALL_S)
        if not self._lost:
            with suppress(StockopsError, OSError):
                self._bucket.ask("delete_object", within_s=_CALL_S, Key=self.key, IfMatch=self._tag)

    def _run(self) -> None:
        while not self._over.wait(self._owner.lease_s / _BEATS):
            now_s = time.monotonic()
            try:
                self._tag = _write(self._bucket, self.key, self._owner, {"IfMatch": self._tag})
            except (FileExistsError, FileNotFoundError):
                self._lost = not self._is_ours()
                if self._lost:
                    return
            except StockopsError:
                continue  # `require` says so when it has been too long
            self._until_s = now_s + self._owner.lease_s

    def _is_ours(self) -> bool:
        """Tell whether it was our own renewal that stood in the way, its answer being lost."""
        with suppress(StockopsError, OSError):
            said, data = self._bucket.fetch(self.key, within_s=_CALL_S)
            self._tag = str(said["ETag"])
            return _parsed(data) == self._owner
        return False


@contextmanager
def held(bucket: Bucket, key: str, *, what: str, lease_s: float = LEASE_S) -> Iterator[Lease]:
    """Hold the lock `key` for the block, or raise `Busy` at once, naming the holder."""
    lease = _take(bucket, key, what, lease_s)
    try:
        yield lease
    finally:
        lease.end()


def holder(bucket: Bucket, key: str) -> Owner | None:
    """Return who holds the lock `key` now, if anybody does."""
    found = _look(bucket, key)
    return found[0] if found and found[2] else None


def _take(bucket: Bucket, key: str, what: str, lease_s: float) -> Lease:
    me = _me(lease_s)
    condition = {"IfNoneMatch": "*"}
    for _ in range(3):  # others may come and go meanwhile
        with suppress(FileExistsError, FileNotFoundError):
            tag = _write(bucket, key, me, condition)
            return _confirmed(bucket, key, me, tag, what)
        found = _look(bucket, key)
        if found is None:
            condition = {"IfNoneMatch": "*"}
            continue
        owner, tag, alive = found
        if owner.token == me.token:  # it was written, and the answer was lost
            return Lease(bucket, key, me, tag)
        if alive:
            raise _busy(what, owner)
        condition = {"IfMatch": tag}
    raise Busy(f"{what} is being taken by several runs at once", hint="Try it again.")


def _confirmed(bucket: Bucket, key: str, me: Owner, tag: str, what: str) -> Lease:
    """Return the lease, unless a store that heeds no condition has given it to another as well."""
    found = _look(bucket, key)
    if found is not None and found[0].token != me.token:
        raise _busy(what, found[0])
    return Lease(bucket, key, me, tag)


def _busy(what: str, owner: Owner) -> Busy:
    return Busy(
        f"{what} is in use by process {owner.pid} on {owner.host!r}",
        hint=f"Wait for it; if it is gone, the lock frees itself within {owner.lease_s:.0f} s.",
    )


def _look(bucket: Bucket, key: str) -> tuple[Owner, str, bool] | None:
    """Return the owner, the tag of the object, and whether the owner may be alive."""
    try:
        said, data = bucket.fetch(key, within_s=_CALL_S)
    except FileNotFoundError:
        return None
    owner = _parsed(data)
    age_s = _age_s(said)
    return owner, str(said["ETag"]), age_s <= owner.lease_s and not owner.is_dead


def _age_s(said: Said) -> float:
    """Return how long ago an object was written; both times are the store's, to the second."""
    headers = said.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    try:
        age = parsedate_to_datetime(headers["date"]) - said["LastModified"]
        return float(age.total_seconds())
    except (KeyError, ValueError, TypeError):
        return 0.0


def _write(bucket: Bucket, key: str, owner: Owner, condition: dict[str, str]) -> str:
    data = json.dumps({**asdict(owner), "nonce": secrets.token_hex(4)}).encode()
    said = bucket.conditioned("put_object", condition, within_s=_CALL_S, Key=key, Body=data)
    return str(said["ETag"])


def _parsed(data: bytes) -> Owner:
    try:
        says: dict[str, Any] = json.loads(data)
        return Owner(**{name: says[name] for name in Owner.__slots__})
    except (ValueError, KeyError, TypeError, AttributeError):
        # Nobody of ours wrote it: whoever did is not waited for longer than any other.
        return Owner(token="", host="?", machine="", pid=0, began="", lease_s=LEASE_S)


def _me(lease_s: float) -> Owner:
    here = Process.of(os.getpid())
    return Owner(
        token=secrets.token_hex(16),
        host=socket.gethostname(),
        machine=here.boot,
        pid=here.pid,
        began=str(here.began),
        lease_s=lease_s,
    )
