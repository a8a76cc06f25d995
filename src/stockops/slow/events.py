"""One execution as a log tells it, whatever log that is."""

from dataclasses import dataclass, field
from typing import Any, Literal

Source = Literal["execution", "preparation", "plan", "notice"]


@dataclass(slots=True)
class Event:
    """
    One entry of a log. Not frozen: millions are made, and a frozen one costs twice as much.

    `source` tells what it is: an ``execution`` is counted; a ``preparation`` (parse or bind of the
    extended protocol) adds time to its class, and no call; a ``plan`` tells how an execution went
    that has an entry of its own; a ``notice`` is what the server says of itself, an error included.

    `at_us` is microseconds since 1970 UTC, None where the log does not say; `weight` how many
    executions this one stands for, where the server logs a sample.
    """

    source: Source
    at_us: int | None = None
    duration_us: int = 0
    sql: str = ""
    user: str = ""
    host: str = ""
    database: str = ""
    application: str = ""
    session: str = ""
    lock_us: int = 0
    rows_sent: int | None = None
    rows_examined: int | None = None
    rows_affected: int | None = None
    weight: int = 1
    timed: bool = True  # False where the log does not say how long it took
    admin: bool = False
    parameters: str = ""
    query_id: int | None = None
    plan: str = ""
    kind: str = ""  # of a notice: error, temp_file, lock_wait, deadlock, checkpoint, ...
    text: str = ""  # of a notice: what the server said
    more: dict[str, Any] = field(default_factory=dict)  # what else the format has
