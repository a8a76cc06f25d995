"""
Where a repository on S3 is, in one text: ``s3://bucket/prefix?endpoint_url=…&region=…``.

The text goes into commands that servers run and into what is printed, so it holds no secret: those
come from the environment, a profile, or the file that `credentials_file` names.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Literal, cast
from urllib.parse import parse_qsl, urlencode, urlsplit

from ..errors import ConfigError
from ..targets import Backup as Said

SCHEME = "s3://"
PART_MB = 32  # of 10,000 parts: 312 GB an object
_PART_MB_MIN, _PART_MB_MAX = 5, 5 * 1024
_DAYS_MAX = 36_500

Mode = Literal["governance", "compliance"]
_MODES = ("governance", "compliance")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """
    A bucket, a prefix within it, and how both are reached.

    With `immutable_days`, what is stored cannot be changed or removed for so long, by nobody where
    the mode is "compliance", by nobody without a special right where it is "governance".
    """

    bucket: str
    prefix: str = ""
    endpoint_url: str | None = None
    region: str | None = None
    profile: str | None = None
    credentials_file: str | None = None
    immutable_days: int | None = None
    immutable_mode: Mode = "governance"
    part_mb: int = PART_MB

    @property
    def text(self) -> str:
        """The place as it is written."""
        given = {
            each.name: str(getattr(self, each.name))
            for each in fields(self)
            if each.name in OPTIONS and getattr(self, each.name) != each.default
        }
        query = urlencode(sorted(given.items()), safe=":/")
        return f"{self.bare}{'?' if query else ''}{query}"

    @property
    def bare(self) -> str:
        """The place without how it is reached: two that are equal are one repository."""
        return f"{SCHEME}{self.bucket}{'/' if self.prefix else ''}{self.prefix}"


OPTIONS = tuple(each.name for each in fields(Place) if each.name not in {"bucket", "prefix"})


def is_one(text: str) -> bool:
    """Tell whether `text` is meant as a place on S3."""
    return text.lower().startswith(SCHEME)


def parse(text: str) -> Place:
    """Return the place that `text` names; the error repeats no part that may be a secret."""
    try:
        parts = urlsplit(text)
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise _wrong("the place of the repository is malformed") from None
    if "@" in parts.netloc:
        raise ConfigError(
            "the place of the repository holds a key, which everybody on this machine can read",
            hint="Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a file of them: "
            "?credentials_file=/etc/stockops/s3.credentials",
        )
    bucket, prefix = parts.netloc, parts.path.strip("/")
    if not bucket or parts.fragment or "//" in prefix or {".", ".."} & {*prefix.split("/")}:
        raise _wrong("the place of the repository names no bucket, or no prefix within it")
    given = dict(pairs)
    for name in given:
        if name not in OPTIONS:
            near = get_close_matches(name, OPTIONS, 1)
            raise ConfigError(
                f"the place of the repository has an unknown option {name!r}",
                hint=f"Did you mean {near[0]}?" if near else f"Known: {', '.join(OPTIONS)}.",
            )
    if len(given) < len(pairs):
        raise _wrong("the place of the repository has an option twice")
    return _placed(bucket, prefix, given)


def stated(said: Said) -> str | None:
    """Return the repository that ``backup:`` of stockops.yaml names; None where it names none."""
    if said.repository is None or not said.options:
        return said.repository
    return joined(said.repository, said.options)


def joined(text: str, options: Mapping[str, str]) -> str:
    """Return the place `text` with `options` that it does not state itself."""
    own = dict(parse_qsl(urlsplit(text).query, keep_blank_values=True))
    query = urlencode({**options, **own}, safe=":/")
    return text.partition("?")[0] + (f"?{query}" if query else "")


def _placed(bucket: str, prefix: str, given: Mapping[str, str]) -> Place:
    mode = given.get("immutable_mode", "governance").lower()
    if mode not in _MODES:
        raise ConfigError(
            f"immutable_mode is {mode!r}", hint=f"It is one of {' and '.join(_MODES)}."
        )
    endpoint = given.get("endpoint_url")
    if endpoint is not None:
        _require_endpoint(endpoint)
    days = _number(given, "immutable_days", 1, _DAYS_MAX)
    return Place(
        bucket=bucket,
        prefix=prefix,
        endpoint_url=endpoint,
        region=given.get("region"),
        profile=given.get("profile"),
        credentials_file=given.get("credentials_file"),
        immutable_days=days,
        immutable_mode=cast(Mode, mode),
        part_mb=_number(given, "part_mb", _PART_MB_MIN, _PART_MB_MAX) or PART_MB,
    )


def _require_endpoint(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        raise ConfigError(
            "endpoint_url of the repository is no address of a server, or holds a password",
            hint="Write it as https://HOST:PORT",
        )


def _number(given: Mapping[str, str], name: str, least: int, most: int) -> int | None:
    if name not in given:
        return None
    text = given[name]
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise ConfigError(
            f"{name} of the repository is {text!r}", hint=f"Give a number from {least} to {most}."
        )
    return int(text)


def _wrong(what: str) -> ConfigError:
    return ConfigError(what, hint="Write it as s3://BUCKET/PREFIX?endpoint_url=https://HOST")
