"""What ways to break a server share: the server of a target, and work that goes on meanwhile."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

from trading import Bed

from stockops.engine import connect, open_server
from stockops.engine.base import Server
from stockops.errors import StockopsError
from stockops.lab import Lab
from stockops.targets import Target

ENDS_WITHIN_S = 90.0


@dataclass(slots=True)
class Place:
    """
    A target that is watched, and whoever may break it: `admin` is a session of its owner.

    `twin` is the replica of a primary, and the primary of a replica.
    """

    target: Target
    lab: Lab
    admin: Server
    bed: Bed
    folder: Path
    exporter: Popen[bytes]
    twin: "Place | None" = None

    @property
    def name(self) -> str:
        """What alerts call it."""
        return self.target.name

    def again(self) -> None:
        """Take a new session, where the server was down."""
        self.admin.close()
        self.admin = open_server(self.target, bulk=True)
        self.bed.server = self.admin


Way = Callable[[Place], AbstractContextManager[None]]


def sessions(place: Place, count: int) -> AbstractContextManager[list[Server]]:
    """Give `count` sessions of their own."""

    @contextmanager
    def opened() -> Iterator[list[Server]]:
        with ExitStack() as stack:
            yield [stack.enter_context(connect(place.target)) for _ in range(count)]

    return opened()


@contextmanager
def meanwhile(
    place: Place, *acts: Callable[[Server], None], pause_s: float = 0.0
) -> Iterator[None]:
    """Repeat each of `acts`, on a session of its own, until the end of the block."""
    over = threading.Event()

    def repeat(act: Callable[[Server], None]) -> None:
        while not over.is_set():
            with suppress(StockopsError), connect(place.target) as server:
                while not over.is_set():
                    with suppress(StockopsError):
                        act(server)
                    over.wait(pause_s)

    threads = [threading.Thread(target=repeat, args=[act], daemon=True) for act in acts]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(ENDS_WITHIN_S)


def doing(*statements: str) -> Callable[[Server], None]:
    """Return who runs `statements`, each by itself."""

    def act(server: Server) -> None:
        for statement in statements:
            server.execute(statement)

    return act


@contextmanager
def ran(place: Place, before: list[str], after: list[str]) -> Iterator[None]:
    """Run `before` as the owner, and `after` at the end of the block."""
    doing(*before)(place.admin)
    try:
        yield
    finally:
        doing(*after)(place.admin)


def statements(before: list[str], after: list[str]) -> Way:
    """Return the way that is nothing but `before`, healed by `after`."""
    return lambda place: ran(place, before, after)


@contextmanager
def full(place: Place, count: int) -> Iterator[None]:
    """Hold `count` sessions."""
    with sessions(place, count):
        yield


@contextmanager
def down(place: Place) -> Iterator[None]:
    """Kill the server, and start it again at the end of the block."""
    from stockops import lab as labs

    labs.crash(place.lab)
    try:
        yield
    finally:
        labs.start(place.lab, port=place.lab.port is not None)
        place.again()


@contextmanager
def restarted(place: Place) -> Iterator[None]:
    """Kill the server, and have it up again."""
    with down(place):
        pass
    yield


def deadlocks(place: Place) -> AbstractContextManager[None]:
    """Have two sessions take the same two rows in two orders, again and again."""

    def crossing(first: int, second: int) -> Callable[[Server], None]:
        def act(server: Server) -> None:
            with server.transaction():
                server.execute(f"UPDATE crossed SET n = n + 1 WHERE id = {first}")
                server.rows(WAIT[server.engine])
                server.execute(f"UPDATE crossed SET n = n + 1 WHERE id = {second}")

        return act

    @contextmanager
    def crossed() -> Iterator[None]:
        make = ["CREATE TABLE crossed (id INT PRIMARY KEY, n INT)"]
        make.append("INSERT INTO crossed VALUES (1, 0), (2, 0)")
        with (
            ran(place, make, ["DROP TABLE crossed"]),
            meanwhile(place, crossing(1, 2), crossing(2, 1)),
        ):
            yield

    return crossed()


WAIT = {"postgresql": "SELECT pg_sleep(0.1)::text AS it", "mariadb": "SELECT SLEEP(0.1) AS it"}
