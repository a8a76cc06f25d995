"""The room in memory that a private server can have beside all else on this machine."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..settings.machine import memory_limits

_CACHES = {"postgresql": "shared_buffers", "mariadb": "innodb_buffer_pool_size"}
_SHARE = 0.25  # of the memory that is free: the file system's cache serves the proof, too
_LEAST_MB = 256
# What the books add up and put in order stands in temporary tables; each of two sessions has a few.
_TABLES: Mapping[str, Sequence[str]] = {
    "postgresql": (),
    "mariadb": ("tmp_memory_table_size", "max_heap_table_size"),
}
_TABLES_SHARE = _SHARE / 4
# What is proven was written a moment ago: the file system's cache still holds it, and InnoDB does
# not read past that. Nobody asks this server what it waited for, and to count it costs each row.
_STILL_CACHED: Mapping[str, Mapping[str, str]] = {
    "postgresql": {},
    "mariadb": {"innodb_flush_method": "fsync", "performance_schema": "OFF"},
}


def settings(engine: str, data_bytes: int) -> Mapping[str, str]:
    """
    Return the setting that gives a private server room for `data_bytes` of data.

    Levels of proof read all of them several times, through indexes, too. Never more than a quarter
    of the memory that is free here.
    """
    unit = "MB" if engine == "postgresql" else "M"
    return {_CACHES[engine]: f"{_megabytes(data_bytes, _SHARE)}{unit}"}


def settings_of_proof(engine: str, data_bytes: int) -> Mapping[str, str]:
    """Return the settings for a server that is restored, read as a whole, and gone."""
    room = f"{_megabytes(data_bytes, _TABLES_SHARE)}M"
    tables = dict.fromkeys(_TABLES[engine], room)
    return {**settings(engine, data_bytes), **_STILL_CACHED[engine], **tables}


def _megabytes(data_bytes: int, share: float) -> int:
    return max(_LEAST_MB, min(int(data_bytes * 1.25), int(_available_bytes() * share)) >> 20)


def _available_bytes() -> int:
    """Return the memory that can be had without swapping, control groups kept."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    [kilobytes] = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return min([int(kilobytes) * 1024, *memory_limits(os.getpid())])
