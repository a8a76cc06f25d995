"""The options that say what machine a server runs on, where it cannot be looked up."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from ..settings import Disk
from . import options

_SIZE = re.compile(r"(?i)\A(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?\Z")
_MEMORY_BYTES_MIN, _MEMORY_BYTES_MAX = 64 << 20, 1 << 50
_SHOWN_CHARACTERS = 40
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}


@dataclass(frozen=True, slots=True)
class Told:
    """What the user says of the server's machine; None: look it up."""

    memory_bytes: int | None = None
    cpus: int | None = None
    disk: Disk | None = None


def said(command: options.Command) -> options.Command:
    """Add ``--memory``, ``--cpus`` and ``--disk``; the command gets ``told``, a `Told`."""

    def remember(key: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
        def store(ctx: click.Context, _param: click.Parameter, value: Any) -> None:
            given = ctx.meta.setdefault("stockops.machine", {})
            is_size = key == "memory_bytes" and value is not None
            given[key] = _bytes(value) if is_size else value
            ctx.params["told"] = Told(**given)

        return store

    memory = click.option(
        "--memory",
        metavar="SIZE",
        expose_value=False,
        callback=remember("memory_bytes"),
        help="What the server may use, as 64GB.",
    )
    cpus = click.option(
        "--cpus",
        type=click.IntRange(min=1),
        metavar="N",
        expose_value=False,
        callback=remember("cpus"),
        help="CPUs the server may use.",
    )
    disk = click.option(
        "--disk",
        type=click.Choice(["ssd", "hdd"]),
        expose_value=False,
        callback=remember("disk"),
        help="What its data lie on.",
    )
    return memory(cpus(disk(command)))


def _bytes(text: str) -> int:
    """Return the bytes; K, M, G and T are powers of 1024, as servers count them."""
    match = _SIZE.match(text)
    size = 0.0 if match is None else float(match[1]) * _UNITS[match[2].lower()]
    if not _MEMORY_BYTES_MIN <= size <= _MEMORY_BYTES_MAX:
        raise click.BadParameter(
            f"{text[:_SHOWN_CHARACTERS]!r} is not the size of a server's memory; write it as 64GB "
            "or 512MB"
        )
    return int(size)
