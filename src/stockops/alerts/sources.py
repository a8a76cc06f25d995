"""Where a scrape is read from: a file, or an exporter that answers over HTTP."""

import urllib.error
import urllib.request
from pathlib import Path

from ..errors import ConfigError, Unreachable

TIMEOUT_S = 15.0
_BYTES_MAX = 64 * 1024 * 1024


def read(place: str) -> str:
    """
    Return the text of a scrape at `place`, a path or an http(s) URL.

    Raises `Unreachable` where nothing answers in time, `ConfigError` where it is no text of a sane
    length.
    """
    if place.startswith(("http://", "https://")):
        return _decoded(_fetched(place), place)
    try:
        with Path(place).open("rb") as file:
            return _decoded(file.read(_BYTES_MAX + 1), place)
    except OSError as exc:
        raise ConfigError(
            f"{place} cannot be read: {exc.strerror}", hint="curl URL/metrics > FILE makes one."
        ) from exc


def _fetched(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:  # noqa: S310  http(s) alone
            content: bytes = answer.read(_BYTES_MAX + 1)
            return content
    except (OSError, ValueError) as exc:
        said = exc.reason if isinstance(exc, urllib.error.URLError) else exc
        raise Unreachable(
            f"nothing to read at {url}: {said}", hint=f"Look at it with: curl {url}"
        ) from exc


def _decoded(content: bytes, place: str) -> str:
    if len(content) > _BYTES_MAX:
        raise ConfigError(f"{place} is larger than {_BYTES_MAX // 1024 // 1024} MB")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{place} is no text") from exc
