"""Dumps in one file of SQL text, compressed or not."""

import shlex
from pathlib import Path

from ...errors import StorageError
from . import compressed, sqltext
from .grading import Audited, Findings, Found

# A file of such a name is meant to be a dump, even if nothing in it tells.
_NAMES = (".sql", ".dump", ".mbs", ".xb", ".xbstream", ".mbstream")
_NEXT = {
    "pg_dump": ("pg_dump -f NEW.sql DATABASE", "psql -v ON_ERROR_STOP=1 -d proof"),
    "pg_dumpall": ("pg_dumpall -f NEW.sql", "psql -v ON_ERROR_STOP=1 -d postgres"),
}
_NEXT_MARIADB = (
    "mariadb-dump --single-transaction DATABASE --result-file=NEW.sql",
    "mariadb proof",
)


def is_meant(name: str) -> bool:
    """Tell whether a file called `name` claims to be a dump."""
    return compressed.bare(name).endswith(_NAMES)


def audit(path: Path, name: str, *, tool: str) -> Found:
    """Grade the dump `path` that `tool` wrote."""
    try:
        with compressed.opened(path) as file:
            found = sqltext.judge(file, tool)
    except StorageError as exc:
        found = Findings(corrupt=[str(exc)])
    anew, restore = _NEXT.get(tool, _NEXT_MARIADB)
    return _row(path, name, tool or "unknown", found, anew if found.corrupt else restore)


def unknown(path: Path, name: str) -> Found:
    """Say of a file that is meant to be a dump that it is none that is known."""
    found = Findings()
    if path.stat().st_size == 0:
        found.corrupt.append("it is empty")
    else:
        try:
            with compressed.opened(path) as file:
                empty = not file.read(1)
            (found.corrupt if empty else found.unknown).append(
                "it is empty" if empty else "nothing in it tells what wrote it"
            )
        except StorageError as exc:
            found.corrupt.append(str(exc))
    return _row(path, name, "unknown", found, f"file {shlex.quote(str(path))}")


def _row(path: Path, name: str, tool: str, found: Findings, step: str) -> Found:
    where = shlex.quote(str(path))
    with path.open("rb") as file:
        form = compressed.form_of(file.read(8))
    cats = {"gzip": "zcat", "zstd": "zstdcat", "lz4": "lz4cat", "bzip2": "bzcat", "xz": "xzcat"}
    if step.startswith(("psql", "mariadb proof")):
        step = f"{cats.get(form, 'cat')} {where} | {step}"
    row = Audited(
        tool=tool,
        id=name,
        kind="logical",
        started=None,
        size_bytes=path.stat().st_size,
        grade=found.grade,
        reason=found.reason,
        next=step,
    )
    return Found(row=row)
