"""
What a MariaDB data directory should hold: by InnoDB's own dictionary, and by the .frm files.

mariadb-backup --prepare takes no offence at a tablespace that is not there.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

from ...errors import StorageError

_PAGE_NEXT = 12
_NONE = 0xFFFFFFFF
_DICTIONARY_PAGE = 7
_TABLES_ROOT = 38 + 32
_LEVEL = 38 + 26
_INFIMUM, _SUPREMUM = 101, 116  # of the row format that the dictionary has
_DELETED = 0x20
_SPACE_FIELD = 9
_LEAVES_MAX = 1_000_000

_TYPE, _PARTITION_TYPE = 3, 61  # where a .frm says which engine its table has
_PARTITIONED = 20
_INNODB = 12
_NEEDS = {9: (".MYD", ".MYI"), 42: (".MAD", ".MAI"), 17: (".CSV",)}
_TABLESPACE = (".ibd", ".new", ".ibd.delta", ".new.delta")
_OWN_SCHEMAS = {"performance_schema", "sys"}


def readable_pages(path: Path, *, first: Path, page_bytes: int) -> list[list[str]]:
    """
    Return which pages of the tablespace `path` innochecksum is to read, as options: a run for each.

    The second and third extent of `first`, the first file of the system tablespace, are the
    doublewrite buffer: pages of other files as they were written last, which nobody restores and
    innochecksum takes for broken.
    """
    if path != first:
        return [[]]
    extent = max(1 << 20, 64 * page_bytes) // page_bytes
    return [["-e", str(extent - 1)], ["-s", str(3 * extent)]]


def system_files(spec: str) -> list[str]:
    """Return the files of the system tablespace, as `innodb_data_file_path` names them."""
    return [each.partition(":")[0] for each in spec.split(";")]


def tables(system: Path, *, page_bytes: int) -> dict[str, int]:
    """
    Return the tables that the dictionary in `system` knows, and the tablespace of each.

    They are named as their files are, without the ending; 0 is the system tablespace, which is
    `system` itself. Only the dictionary of a prepared backup is that of its end.
    """
    with system.open("rb") as file:

        def page(number: int) -> bytes:
            file.seek(number * page_bytes)
            data = file.read(page_bytes)
            if len(data) < page_bytes:
                raise StorageError(f"{system.name} has no page {number}")
            return data

        leaf = page(struct.unpack_from(">I", page(_DICTIONARY_PAGE), _TABLES_ROOT)[0])
        while struct.unpack_from(">H", leaf, _LEVEL)[0]:
            name_and_child = next(_records(leaf), None)
            if name_and_child is None:
                raise StorageError(f"{system.name}: the dictionary is empty")
            leaf = page(struct.unpack(">I", name_and_child[1])[0])
        found = {}
        for _ in range(_LEAVES_MAX):
            for record in _records(leaf):
                name = record[0].decode("utf-8", "replace")
                if "/" in name and "/#sql" not in name:
                    found[name] = struct.unpack(">I", record[_SPACE_FIELD])[0]
            following = struct.unpack_from(">I", leaf, _PAGE_NEXT)[0]
            if following == _NONE:
                return found
            leaf = page(following)
    raise StorageError(f"{system.name}: the dictionary has no end")


def _records(page: bytes) -> Iterator[list[bytes]]:
    """Give the fields of each record of a page in the redundant format."""
    at = struct.unpack_from(">H", page, _INFIMUM - 2)[0]
    for _ in range(len(page)):
        if at == _SUPREMUM or not _SUPREMUM < at < len(page):
            return
        if not page[at - 6] & _DELETED:
            yield _fields(page, at)
        at = struct.unpack_from(">H", page, at - 2)[0]


def _fields(page: bytes, at: int) -> list[bytes]:
    head = struct.unpack_from(">H", page, at - 4)[0]
    count = head >> 1 & 0x3FF
    width = 1 if head & 1 else 2
    fields, begin = [], 0
    for number in range(1, count + 1):
        raw = int.from_bytes(page[at - 6 - number * width : at - 6 - (number - 1) * width], "big")
        end = raw & (0x7F if width == 1 else 0x3FFF)
        fields.append(page[at + begin : at + end])
        begin = end
    return fields


def missing_beside_frm(folder: Path, *, in_system: frozenset[str]) -> list[str]:
    """
    Return what tables lack: their .frm is there, and their rows are not, or the other way round.

    `in_system` are tables whose rows lie in the system tablespace.
    """
    missing = []
    for schema in sorted(each for each in folder.iterdir() if each.is_dir()):
        if schema.name in _OWN_SCHEMAS or schema.name.startswith("#"):
            continue
        names = {each.name for each in schema.iterdir()}
        for frm in sorted(name for name in names if name.endswith(".frm")):
            stem = frm.removesuffix(".frm")
            if f"{schema.name}/{stem}" not in in_system:
                missing += [f"{schema.name}/{each}" for each in _lacks(schema, stem, names)]
        missing += [f"{schema.name}/{each}" for each in _orphans(names)]
    return missing


def _lacks(schema: Path, stem: str, names: set[str]) -> list[str]:
    with (schema / f"{stem}.frm").open("rb") as file:
        head = file.read(64)
    if len(head) < 64 or head[:2] != b"\xfe\x01":  # a view is text
        return [] if head.startswith(b"TYPE=") else [f"{stem}.frm is no table"]
    engine = head[_TYPE]
    if engine == _PARTITIONED:
        return _lacks_partitions(schema, stem, head[_PARTITION_TYPE], names)
    return _lacks_files(stem, engine, names)


def _lacks_files(stem: str, engine: int, names: set[str]) -> list[str]:
    if engine == _INNODB:
        there = any(f"{stem}{ending}" in names for ending in _TABLESPACE)
        return [] if there else [f"{stem}.ibd"]
    return [f"{stem}{end}" for end in _NEEDS.get(engine, ()) if f"{stem}{end}" not in names]


def _lacks_partitions(schema: Path, stem: str, engine: int, names: set[str]) -> list[str]:
    if f"{stem}.par" not in names:
        return [f"{stem}.par"]
    data = (schema / f"{stem}.par").read_bytes()
    if len(data) < 12:
        return [f"{stem}.par is empty"]
    at = 12 + -(-struct.unpack_from("<I", data, 8)[0] // 4) * 4
    length = struct.unpack_from("<I", data, at)[0]
    parts = [part for part in data[at + 4 : at + 4 + length].split(b"\0") if part]
    lost = []
    for part in parts:
        lost += _lacks_files(f"{stem}#P#{part.decode('utf-8', 'replace')}", engine, names)
    return lost


def _orphans(names: set[str]) -> list[str]:
    """Return the .frm files that tablespaces should have beside them."""
    lost = set()
    for name in names:
        if name.endswith(_TABLESPACE) and not name.startswith(("FTS_", "#sql")):
            stem = name.partition(".")[0].partition("#P#")[0]
            if f"{stem}.frm" not in names:
                lost.add(f"{stem}.frm")
    return sorted(lost)
