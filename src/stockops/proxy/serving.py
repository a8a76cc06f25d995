"""The process of a proxy: one event loop, told by its control socket what to do."""

import asyncio
import itertools
import json
import os
import resource
import socket
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any

from ..errors import ConfigError
from .control import CONTROL, STATE, Counts, short
from .door import Address, Door
from .link import Link
from .switchboard import Switchboard
from .toxics import Toxic, parse, said

DIAL_S = 10.0
_AGAIN_S = 0.02


class Proxy:
    """Links between a door and a server, and the board that says what is wrong with them."""

    def __init__(self, order: dict[str, Any]) -> None:
        self._folder = Path(order["folder"])
        self._upstream = _address(order["upstream"])
        self._engine: str = order["engine"]
        self._board = Switchboard(Random(order["seed"]))  # noqa: S311
        self._numbers = itertools.count(1)
        self._dials: set[asyncio.Task[None]] = set()
        listen = order["listen"]
        self._door = Door(Path(listen) if isinstance(listen, str) else listen, self._link)

    async def serve(self) -> None:
        """Serve until the process is ended."""
        await self._door.open()
        self._write_state()
        control = socket.socket(socket.AF_UNIX)
        path = self._folder / CONTROL
        path.unlink(missing_ok=True)
        with short(path) as name:
            control.bind(name)
        server = await asyncio.start_unix_server(self._told, sock=control)
        await server.serve_forever()

    async def _told(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one line of the control socket."""
        try:
            answer = await self._do(json.loads(await reader.readline()))
        except ConfigError as exc:
            answer = {"error": str(exc), "hint": exc.hint}
        except (OSError, ValueError) as exc:  # its folder is full or gone; what came is no JSON
            answer = {"error": f"the proxy could not do it all: {exc}"}
        writer.write(json.dumps(answer).encode() + b"\n")
        writer.close()

    async def _do(self, words: dict[str, Any]) -> dict[str, Any]:
        if "toxics" in words:
            await self._put([parse(text) for text in words["toxics"]])
        if "upstream" in words:
            self._lead(_address(words["upstream"]))
        return {"seen": asdict(self._seen())}

    async def _put(self, toxics: Sequence[Toxic]) -> None:
        board = self._board
        board.apply(toxics)
        if board.refuses and self._door.is_open:
            self._door.shut()
            board.did["refuse"] += 1
        elif not board.refuses and not self._door.is_open:
            await self._door.open()
        self._write_state()

    def _lead(self, upstream: Address) -> None:
        """Dial `upstream` from now on; nobody stays with the server of before."""
        if upstream == self._upstream:
            return
        self._upstream = upstream
        self._board.cut()
        self._write_state()

    def _seen(self) -> Counts:
        counted, links = self._board.counted, self._board.links
        return Counts(
            connections=counted["connections"],
            open=len(links),
            unanswered=counted["unanswered"],
            blind=counted["blind"] + sum(link.is_blind for link in links.values()),
            exchanges=counted["exchanges"],
            up_bytes=counted["up"],
            down_bytes=counted["down"],
            did=dict(self._board.did),
        )

    def _write_state(self) -> None:
        """Write what is in force, whole or not at all; nothing of it outlives this process."""
        state = {
            "pid": os.getpid(),
            "address": _plain(self._door.address),
            "upstream": _plain(self._upstream),
            "toxics": [said(each) for each in self._board.toxics],
        }
        draft = self._folder / f".{STATE}"
        draft.write_text(json.dumps(state, indent=1) + "\n", encoding="utf-8")
        draft.replace(self._folder / STATE)

    def _link(self) -> asyncio.Protocol:
        link = Link(
            self._board, number=next(self._numbers), engine=self._engine, dial=self._dial
        )  # fmt: skip
        return link.client

    def _dial(self, link: Link) -> None:
        task = asyncio.get_running_loop().create_task(self._connect(link))
        self._dials.add(task)  # the loop itself would let it go
        task.add_done_callback(self._dials.discard)

    async def _connect(self, link: Link) -> None:
        upstream = self._upstream  # whoever dials when that changes is cut, and finds it out below
        try:
            async with asyncio.timeout(DIAL_S):
                made = await _connected(upstream)
        except OSError:  # a timeout is one
            link.unanswered()
            return
        loop = asyncio.get_running_loop()
        if isinstance(upstream, Path):
            await loop.create_unix_connection(lambda: link.server, sock=made)
        else:
            await loop.create_connection(lambda: link.server, sock=made)


async def _connected(address: Address) -> socket.socket:
    loop = asyncio.get_running_loop()
    if not isinstance(address, Path):
        family, kind, _, _, where = (
            await loop.getaddrinfo(*address, type=socket.SOCK_STREAM)
        )[0]  # fmt: skip
        made = socket.socket(family, kind)
        made.setblocking(False)
        try:
            await loop.sock_connect(made, where)
        except BaseException:
            made.close()
            raise
        return made
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.setblocking(False)
    try:
        while True:
            try:
                made.connect(str(address))
            except BlockingIOError:  # its queue is full, and nothing wakes us when it no longer is
                await asyncio.sleep(_AGAIN_S)
            else:
                return made
    except BaseException:
        made.close()
        raise


def _address(given: str | list[Any]) -> Address:
    return Path(given) if isinstance(given, str) else (str(given[0]), int(given[1]))


def _plain(address: Address) -> str | list[str | int]:
    return str(address) if isinstance(address, Path) else [*address]


def main(order: str) -> None:
    """Serve as `order`, a JSON object, says."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(Proxy(json.loads(order)).serve())
