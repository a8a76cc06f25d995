"""What befalls backups, done the same way to whatever the tool was that made them."""

from collections.abc import Sequence
from pathlib import Path

import specimens
from specimens import flip

from stockops.lab import Lab

MIXED = {"ab": "InnoDB", "zz": "MyISAM"}


def overwrite(path: Path, *, count: int = 64) -> None:
    """Change `count` bytes in the middle of `path`."""
    for at in range(count):
        flip(path, path.stat().st_size // 2 + at)


def lose_middle(paths: Sequence[Path]) -> Path:
    """Remove the file that has as many before as behind it; return which one it was."""
    lost = sorted(paths)[len(paths) // 2]
    lost.unlink()
    return lost


def break_tablespace(folder: Path, table: str = "trading/big") -> None:
    """Change a byte of a page of `table` in a backup of mariadb-backup."""
    flip(folder / f"{table}.ibd", 70000)


def lose_tablespaces(folder: Path, tables: Sequence[str] = ("trading/big", "trading/aa")) -> None:
    """Remove `tables` from a backup of mariadb-backup."""
    for table in tables:
        (folder / f"{table}.ibd").unlink()


def lose_rows(dump: Path, table: str) -> None:
    """Remove the first statement that brings rows of `table` from a dump that is SQL."""
    lines = dump.read_bytes().splitlines(keepends=True)
    insert = f"INSERT INTO `{table}`".encode()
    begins = next(n for n, line in enumerate(lines) if line.startswith(insert))
    ends = next(n for n in range(begins, len(lines)) if lines[n].endswith(b";\n"))
    dump.write_bytes(b"".join(lines[:begins] + lines[ends + 1 :]))


def make_mixed(lab: Lab) -> None:
    """Make two tables of one batch of statements, only one of which has transactions."""
    for name, engine in MIXED.items():
        specimens.mariadb(lab, f"CREATE OR REPLACE TABLE {name} ENGINE={engine} AS SELECT 0 AS v")
