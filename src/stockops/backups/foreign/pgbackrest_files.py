"""
The files of a pgBackRest repository: its information, and the pieces that backups are made of.

Information files carry a SHA-1 of themselves and have a copy. A backup's manifest names the SHA-1
of every file's content; small files lie together in bundles. The name of a log segment ends with
the SHA-1 of its content.
"""

import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...errors import StorageError
from . import compressed
from .compressed import ENDINGS

_ENCRYPTED = b"Salted__"
_OWN = ("backrest", "backrest-checksum")

Sections = Mapping[str, Mapping[str, Any]]


class Encrypted(StorageError):
    """The repository is encrypted, and its key is not ours."""


def information(path: Path) -> Sections:
    """
    Return the sections of the information file `path`, or of its copy if it is damaged.

    Raises `StorageError` where neither is whole, `Encrypted` where neither can be read.
    """
    why = ""
    for each in (path, path.with_name(f"{path.name}.copy")):
        try:
            return _parsed(each)
        except Encrypted:
            raise
        except FileNotFoundError:
            why = why or f"{path.name} is missing"
        except StorageError as exc:
            why = why or str(exc)
    raise StorageError(why)


def _parsed(path: Path) -> Sections:
    data = path.read_bytes()
    if data.startswith(_ENCRYPTED):
        raise Encrypted(path.name)
    sections: dict[str, dict[str, Any]] = {}
    digest = hashlib.sha1(b"{", usedforsecurity=False)
    last = None
    try:
        for section, key, value in _lines(data.decode("utf-8")):
            sections.setdefault(section, {})[key] = json.loads(value)
            if (section, key) == _OWN:
                continue
            opening = f"{json.dumps(section, ensure_ascii=False)}:{{"
            before = "," if section == last else opening if last is None else f"}},{opening}"
            text = f"{before}{json.dumps(key, ensure_ascii=False)}:{value}"
            digest.update(text.encode("utf-8"))
            last = section
    except ValueError as exc:
        raise StorageError(f"{path.name} cannot be understood ({exc})") from exc
    digest.update(b"}}")
    if sections.get("backrest", {}).get("backrest-checksum") != digest.hexdigest():
        raise StorageError(f"{path.name} does not match its own checksum")
    return sections


def _lines(text: str) -> Iterator[tuple[str, str, str]]:
    section = ""
    for line in text.split("\n"):
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
        elif line:
            yield section, *_pair(line)


def _pair(line: str) -> tuple[str, str]:
    """Split a line at the first "=" behind which JSON stands: a file's name may hold one."""
    at = line.find("=")
    while at > 0:
        try:
            json.loads(line[at + 1 :])
        except ValueError:
            at = line.find("=", at + 1)
        else:
            return line[:at], line[at + 1 :]
    raise ValueError(f"the line {line[:40]!r} has no value")


@dataclass(slots=True)
class Pieces:
    """The stored pieces of all backups of a stanza; each is read once, whoever refers to it."""

    folder: Path
    faults: dict[tuple[str, str], str] = field(default_factory=dict)

    def fault(self, label: str, name: str, says: Mapping[str, Any]) -> str:
        """Return what is wrong with the file `name` of the backup `label`, or nothing."""
        if not says.get("size"):
            return ""  # an empty file is not stored
        owner = str(says.get("reference", label))
        key = (owner, name)
        if key not in self.faults:
            self.faults[key] = self._fault(owner, name, says)
        return self.faults[key]

    def _fault(self, owner: str, name: str, says: Mapping[str, Any]) -> str:
        if "bni" in says:
            place: Path | None = self.folder / owner / "bundle" / str(says["bni"])
        else:
            place = compressed.beside((self.folder / owner / name).parent, Path(name).name)
            place = place or _block_map(self.folder / owner / name)
        if place is None or not place.is_file():
            return f"{owner}/{name} is missing"
        with place.open("rb") as file:
            file.seek(int(says.get("bno", 0)))
            stored = file.read(int(says.get("repo-size", says["size"])))
        if stored.startswith(_ENCRYPTED):
            raise Encrypted(name)
        if "bi" in says:  # stored as blocks: what lies there can be compared, not put together
            wanted, found = says.get("rck"), _sha1(stored)
        else:
            wanted, found = says.get("checksum"), _content(stored, place)
        return "" if found == wanted else f"{owner}/{name} is not what was stored"


def _block_map(path: Path) -> Path | None:
    other = path.with_name(f"{path.name}.pgbi")
    return other if other.is_file() else None


def _sha1(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


def _content(stored: bytes, place: Path) -> str:
    """Return the SHA-1 of what `stored` unpacks to; nothing where it does not."""
    raw_too = place.suffix not in ENDINGS[1:]
    try:
        digest = hashlib.sha1(usedforsecurity=False)
        for chunk in compressed.chunks(compressed.unpacked(io.BytesIO(stored), name=place.name)):
            digest.update(chunk)
        return digest.hexdigest()
    except StorageError:  # or it was never packed, and only begins as if
        return _sha1(stored) if raw_too else ""


def segment_fault(path: Path, sha1: str) -> tuple[str, int]:
    """Return what is wrong with the log segment `path`, and how many bytes it has unpacked."""
    with path.open("rb") as stored:
        if stored.read(len(_ENCRYPTED)) == _ENCRYPTED:
            raise Encrypted(path.name)
    digest = hashlib.sha1(usedforsecurity=False)
    size = 0
    try:
        with compressed.opened(path) as file:
            for chunk in compressed.chunks(file):
                digest.update(chunk)
                size += len(chunk)
    except StorageError as exc:
        return str(exc), size
    return ("" if digest.hexdigest() == sha1 else "it is not what was archived"), size
