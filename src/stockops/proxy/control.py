"""
What a proxy is told while it runs, by whoever knows its folder.

The folder holds a socket, ``control``, that takes a line of JSON and answers with one, and a file,
``proxy.json``, with what is in force, for those who only want to look. Nothing of this needs the
process that started the proxy.
"""

import json
import os
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ConfigError, Unreachable
from .door import Address
from .toxics import Toxic, parse, said

CONTROL, STATE = "control", "proxy.json"
WITHIN_S = 10.0
_LINE_BYTES_MAX = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """
    What a proxy saw since it was started.

    `unanswered` connections found no server. Of `blind` ones, which are encrypted or compressed,
    no words can be lost. `exchanges` are requests that were answered whole. `did` counts by name
    what each toxic did: chunks that were late (latency, bandwidth, loss), directions swallowed
    (black_hole), connections cut or closed late (reset, slow_close), words lost (lost_reply,
    lost_request); and how often the door was shut (refuse): the kernel refuses by itself, so
    nobody counts those who knocked.
    """

    connections: int
    open: int
    unanswered: int
    blind: int
    exchanges: int
    up_bytes: int
    down_bytes: int
    did: Mapping[str, int]


def put(control: Path, toxics: Iterable[Toxic]) -> None:
    """Put `toxics` in force at the proxy of `control`, and nothing else; they are on return."""
    _ask(control, {"toxics": [said(each) for each in toxics]})


def lead(control: Path, upstream: Address) -> None:
    """Have the proxy of `control` stand before the server at `upstream` from now on."""
    place = str(upstream) if isinstance(upstream, Path) else [*upstream]
    _ask(control, {"upstream": place})


def clear(control: Path) -> bool:
    """
    Take all toxics away; what was held back arrives. True where there was a proxy to tell.

    A proxy that is gone has no toxics, and is no error: this can be done at any time, twice too.
    `Unreachable` where it is there and does not answer within `WITHIN_S`.
    """
    try:
        put(control, ())
    except Unreachable as exc:
        if isinstance(exc.__cause__, TimeoutError):  # it is there, and does not listen
            raise
        return False
    return True


def seen(control: Path) -> Counts:
    """Return what the proxy of `control` saw."""
    return Counts(**_ask(control, {})["seen"])


def in_force(control: Path) -> list[Toxic]:
    """Return the toxics of the file beside `control`; none where no proxy ever wrote one."""
    try:
        found = json.loads((control.parent / STATE).read_bytes())
    except FileNotFoundError:
        return []
    return [parse(each) for each in found["toxics"]]


@contextmanager
def short(path: Path) -> Iterator[str]:
    """Give a name for `path` that fits into a socket's address, however long it is."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _ask(control: Path, words: Mapping[str, Any]) -> dict[str, Any]:
    try:
        with short(control) as name, socket.socket(socket.AF_UNIX) as line:
            line.settimeout(WITHIN_S)
            line.connect(name)
            line.sendall(json.dumps(words).encode() + b"\n")
            line.shutdown(socket.SHUT_WR)
            with line.makefile("rb") as file:
                answer: dict[str, Any] = json.loads(file.readline(_LINE_BYTES_MAX))
    except (OSError, ValueError) as exc:
        raise Unreachable(
            f"no proxy answers at {str(control)!r}: {exc}", hint=f"Look: ls -la {control.parent}"
        ) from exc
    if "error" in answer:
        raise ConfigError(answer["error"], hint=answer.get("hint"))
    return answer
