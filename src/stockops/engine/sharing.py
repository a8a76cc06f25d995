"""Work on one server that several sessions share."""

import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import TypeVar

from .base import Server

SESSIONS = 2  # a machine that has more cores has more to do, too
Item = TypeVar("Item")


def share(
    connected: Callable[[], AbstractContextManager[Server]],
    items: Iterable[Item],
    do: Callable[[Server, Item], None],
) -> None:
    """
    Do all of `items`, each by whichever of `SESSIONS` sessions is free; the first ones begin first.

    Raises what the first of them raised that did not end well, once all have stopped. Where it is
    interrupted it raises at once, and sessions may still be at a statement.
    """
    left = iter(list(items))
    failures: list[Exception] = []

    def work() -> None:
        with connected() as server:
            for item in left:
                if failures:
                    return
                do(server, item)

    def help_out() -> None:
        try:
            work()
        except Exception as exc:  # raised again where the work was asked for
            failures.append(exc)

    # Daemons: whoever interrupts the work need not wait for the statements that they are at.
    helpers = [threading.Thread(target=help_out, daemon=True) for _ in range(SESSIONS - 1)]
    for helper in helpers:
        helper.start()
    help_out()
    for helper in helpers:
        helper.join()
    if failures:
        raise failures[0]
