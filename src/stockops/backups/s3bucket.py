"""
A bucket, asked through s3fs: every question has a deadline, and every answer is one of ours.

What S3 says arrives as `StorageError` with the next step; an object that is not there is
`FileNotFoundError`, one that is although it must not be `FileExistsError`.
"""

import configparser
import functools
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import passwords
from ..errors import ConfigError, StorageError
from . import s3errors
from .s3errors import NotDone
from .s3place import Place

if TYPE_CHECKING:
    from s3fs import S3FileSystem

CONNECT_S = 5.0
READ_S = 30.0  # without a byte
CALL_S = 180.0  # of one call, its repetitions included
TRIES = 3

Said = dict[str, Any]

_BROKEN_OFF = {  # by name: these libraries are an extra
    "ClientPayloadError",
    "ConnectionClosedError",
    "HTTPClientError",
    "IncompleteRead",
    "IncompleteReadError",
    "ReadTimeoutError",
    "ResponseStreamingError",
    "ServerDisconnectedError",
}


class Bucket:
    """One bucket, and the connection to it, which is made when the first question is asked."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._files: S3FileSystem | None = None
        self._making = threading.Lock()
        self._heeds_conditions = True

    def __repr__(self) -> str:
        return f"Bucket({self.place.text!r})"

    def ask(self, method: str, *, within_s: float = CALL_S, **what: Any) -> Said:
        """Call `method` of S3 on this bucket, and return what it says."""
        files = self._connected()
        from fsspec.asyn import sync  # noqa: PLC0415  a repository in a directory needs none of it

        try:
            said: Said = sync(
                files.loop,
                files._call_s3,  # so are coroutines named in fsspec
                method,
                timeout=within_s,
                Bucket=self.place.bucket,
                **what,
            )
        except Exception as exc:
            raise s3errors.told(exc, self.place, str(what.get("Key", "")), within_s) from exc
        return said

    def conditioned(
        self, method: str, condition: Mapping[str, Any], *, within_s: float = CALL_S, **what: Any
    ) -> Said:
        """
        Call `method` under `condition`: "IfNoneMatch", or "IfMatch" with the tag of what is there.

        Raises `FileExistsError` where it does not hold. A store that knows no conditions is asked
        for the tag just before: of two runs at the same moment there, both go on.
        """
        if condition and self._heeds_conditions:
            try:
                return self.ask(method, within_s=within_s, **{**condition, **what})
            except NotDone:
                self._heeds_conditions = False
        if condition and self._tag(what["Key"], within_s) != condition.get("IfMatch"):
            raise FileExistsError(what["Key"])
        return self.ask(method, within_s=within_s, **what)

    def _tag(self, key: str, within_s: float) -> str | None:
        try:
            return str(self.ask("head_object", within_s=within_s, Key=key)["ETag"])
        except FileNotFoundError:
            return None

    def fetch(self, key: str, *, within_s: float = CALL_S, **what: Any) -> tuple[Said, bytes]:
        """Return what S3 says of the object `key`, and its bytes or the `Range` of them."""
        files = self._connected()
        from fsspec.asyn import sync  # noqa: PLC0415

        asked = {"Bucket": self.place.bucket, "Key": key, **what}
        for left in reversed(range(TRIES)):
            try:
                said, data = sync(files.loop, _body, files._call_s3, asked, timeout=within_s)
            except Exception as exc:
                if left and type(exc).__name__ in _BROKEN_OFF:
                    continue
                raise s3errors.told(exc, self.place, key, within_s) from exc
            return said, data
        raise StorageError(f"{key!r} was not to be had")  # not reached: the last try raises

    def listing(self, prefix: str, *, delimiter: str = "") -> Iterator[Said]:
        """Give the pages of what is there whose key begins with `prefix`."""
        what: Said = {"Prefix": prefix, **({"Delimiter": delimiter} if delimiter else {})}
        while True:
            said = self.ask("list_objects_v2", **what)
            yield said
            if not said.get("IsTruncated"):
                return
            what["ContinuationToken"] = said["NextContinuationToken"]

    def _connected(self) -> "S3FileSystem":
        with self._making:
            if self._files is None:
                how = self.place
                self._files = _file_system(
                    how.endpoint_url, how.region, how.profile, how.credentials_file
                )
            return self._files


async def _body(
    call: Callable[..., Awaitable[Said]], asked: Mapping[str, Any]
) -> tuple[Said, bytes]:
    said = await call("get_object", **asked)
    async with said["Body"] as body:
        return said, await body.read()


@functools.cache
def _file_system(
    endpoint_url: str | None, region: str | None, profile: str | None, file: str | None
) -> "S3FileSystem":
    """Return the connection of this process for one way in: to make one takes half a second."""
    try:
        import s3fs  # noqa: PLC0415  half a second more, and an extra
        from aiobotocore.session import AioSession  # noqa: PLC0415
    except ImportError:
        raise ConfigError(
            "a repository on S3 needs s3fs, which is not installed",
            hint="Install it: pip install 'stockops[s3]'",
        ) from None
    session = AioSession(profile=None if file else profile)
    if file:
        session.set_credentials(*_credentials(Path(file).expanduser(), profile or "default"))
    files = s3fs.S3FileSystem(
        session=session,
        endpoint_url=endpoint_url,
        client_kwargs={"region_name": region} if region else {},
        config_kwargs={
            "connect_timeout": CONNECT_S,
            "read_timeout": READ_S,
            "retries": {"mode": "standard", "total_max_attempts": TRIES},
        },
        use_listings_cache=False,
        skip_instance_cache=True,
    )
    files.retries = 2  # of what botocore has tried so many times already
    return files


def _credentials(path: Path, profile: str) -> tuple[str, str, str | None]:
    """Return key, secret and token of `profile` in a file of the form of ``~/.aws/credentials``."""
    try:
        mode = path.stat().st_mode
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else "it is not text"
        raise ConfigError(
            f"cannot read the credentials file {str(path)!r}: {why}",
            hint=f"Make it readable to this user alone: chmod 600 {path}",
        ) from None
    if passwords.is_everybodys(mode):
        raise ConfigError(
            f"everybody can read or write the credentials file {str(path)!r}",
            hint=f"chmod 600 {path}",
        )
    parser = configparser.ConfigParser(interpolation=None)
    with suppress(configparser.Error):  # its message repeats the line
        parser.read_string(text)
        if parser.has_section(profile):
            found = parser[profile]
            key, secret = found.get("aws_access_key_id"), found.get("aws_secret_access_key")
            if key and secret:
                return key, secret, found.get("aws_session_token")
    raise ConfigError(
        f"{str(path)!r} holds no key for the profile {profile!r}",
        hint=f"Write [{profile}], aws_access_key_id = … and aws_secret_access_key = … into it.",
    )
