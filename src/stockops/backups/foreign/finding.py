"""Walk a path, find what is a backup in it, and have each one graded."""

import os
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ...errors import ConfigError
from .. import repository
from . import (
    barman,
    basebackup,
    compressed,
    mariabackup,
    mydumper,
    pgbackrest,
    pgdump,
    sqldump,
    sqltext,
)
from .baseread import size_of
from .grading import Audited, Findings, Found, Grade

DEPTH_MAX = 12
_RANK: dict[Grade, int] = {"proven": 0, "restorable": 1, "unknown": 2, "gap": 3, "corrupt": 4}

Seen = Callable[[str], None]


def audit(path: Path, *, seen: Seen = lambda _name: None) -> list[Audited]:
    """
    Return one row for each backup of other tools in `path`, in the order of their names.

    Nothing is written there. `seen` is told the name of each before it is read, which can take as
    long as reading it once takes.
    """
    root = path.absolute()
    if not root.exists():
        raise ConfigError(
            f"there is no {str(path)!r}", hint="Name a directory, or the file of a dump."
        )
    found = list(_found(root, root, seen, depth=0))
    return [each.row for each in linked(found)]


def linked(found: Sequence[Found]) -> list[Found]:
    """Grade each incremental backup no better than what it builds on."""
    by_key = {each.offers: each for each in found if each.offers is not None and not each.needs}
    links = [each for each in found if each.needs is not None]
    for each in links:
        if each.offers is not None:
            by_key.setdefault(each.offers, each)
    graded: dict[str, Found] = {}
    return [_with_chain(each, by_key, graded, frozenset()) for each in found]


def _with_chain(
    each: Found,
    by_key: dict[tuple[str, ...], Found],
    graded: dict[str, Found],
    below: frozenset[str],
) -> Found:
    row = each.row
    if each.needs is None or row.id in below:
        return each
    if row.id not in graded:
        base = by_key.get(each.needs)
        if base is None or base.row.id == row.id:
            graded[row.id] = _worse(each, "gap", "the backup that it builds on is not here")
        else:
            parent = _with_chain(base, by_key, graded, below | {row.id}).row
            graded[row.id] = each
            if _RANK[parent.grade] > _RANK["restorable"]:
                why = f"it builds on {parent.id}, which is {parent.grade}"
                graded[row.id] = _worse(each, parent.grade, why)
    return graded[row.id]


def _worse(each: Found, grade: Grade, why: str) -> Found:
    row = each.row
    sound = _RANK[row.grade] <= _RANK["restorable"]
    reason = why if sound else f"{row.reason}; {why}"
    worst = grade if _RANK[grade] > _RANK[row.grade] else row.grade
    return replace(each, row=replace(row, grade=worst, reason=reason))


def _found(path: Path, root: Path, seen: Seen, *, depth: int) -> Iterator[Found]:
    name = str(path.relative_to(root)) if path != root else root.name
    try:
        if path.is_file():
            yield from _file(path, name, seen)
        elif path.is_dir():
            yield from _folder(path, name, root, seen, depth)
    except OSError as exc:
        why = f"it cannot be read: {exc.strerror or exc}"
        yield _unknown(path, name, why, then=f"ls -la {shlex.quote(str(path))}")


def _folder(path: Path, name: str, root: Path, seen: Seen, depth: int) -> Iterator[Found]:
    for claims, audit_all in _MANY:
        if claims(path):
            seen(name)
            yield from audit_all(path, name)
            return
    for claims, audit_one in _FOLDERS:
        if claims(path):
            seen(name)
            yield audit_one(path, name)
            return
    if depth == DEPTH_MAX:
        why = f"folders that are {DEPTH_MAX} deep are not looked into"
        yield _unknown(path, name, why, then=f"stockops backup audit {shlex.quote(str(path))}")
        return
    for entry in sorted(os.scandir(path), key=lambda each: each.name):
        there = Path(entry.path)
        if entry.is_symlink() and not there.is_file():  # which a link to itself is not, either
            continue  # what a link leads to has its own place
        yield from _found(there, root, seen, depth=depth + 1)


def _file(path: Path, name: str, seen: Seen) -> Iterator[Found]:
    head = compressed.head(path)
    if pgdump.claims_file(head):
        seen(name)
        yield pgdump.audit(path, name)
    elif basebackup.claims_file(head):
        seen(name)
        yield basebackup.audit(path, name)
    elif mariabackup.claims_file(head):
        seen(name)
        yield mariabackup.audit_stream(path, name)
    elif (tool := sqltext.recognise(head)) or (
        sqldump.is_meant(path.name) and sqltext.looks_like_sql(head)
    ):
        seen(name)
        yield sqldump.audit(path, name, tool=tool)
    elif sqldump.is_meant(path.name):
        yield sqldump.unknown(path, name)


def _unknown(path: Path, name: str, why: str, *, then: str) -> Found:
    row = Audited(
        tool="unknown",
        id=name,
        kind="-",
        started=None,
        size_bytes=0,
        grade="unknown",
        reason=why,
        next=then,
    )
    return Found(row=row)


def _own(path: Path, name: str) -> Iterator[Found]:
    found = Findings(unknown=["this is a repository of stockops, which has commands of its own"])
    row = Audited(
        tool="stockops",
        id=name,
        kind="repository",
        started=None,
        size_bytes=size_of(path),
        grade=found.grade,
        reason=found.reason,
        next=f"stockops backup verify --repository {path}",
    )
    yield Found(row=row)


_MANY: Sequence[tuple[Callable[[Path], bool], Callable[[Path, str], Iterator[Found]]]] = (
    (lambda path: (path / repository.MARKER).is_file(), _own),
    (pgbackrest.claims, pgbackrest.audit),
    (barman.claims, barman.audit),
)
_FOLDERS: Sequence[tuple[Callable[[Path], bool], Callable[[Path, str], Found]]] = (
    (basebackup.claims, basebackup.audit),
    (mariabackup.claims, mariabackup.audit),
    (mydumper.claims, mydumper.audit),
    (pgdump.claims, pgdump.audit),
)
