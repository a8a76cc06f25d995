"""The lines of what is slow now, as a program reads them."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from ...sessions import Branch
from .grouping import ClassCost, Texts
from .sampling import Samples

_RUNNING_MAX = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRow:
    """What a class has cost in an interval; `share` is of all time that is known of."""

    class_id: str
    calls: int
    calls_per_s: float
    total_s: float
    share: float
    mean_ms: float
    row_count: int
    pages_read: int | None
    databases: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitRow:
    """How many sessions waited for it on average, and in which class most of them."""

    wait: str
    sessions: float
    class_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningRow:
    """A statement that still ran when the interval ended, and is in no counter yet."""

    session_id: int
    login: str
    database_name: str
    statement_s: float
    wait: str
    class_id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockingRow:
    """A session in the tree of who blocks whom: `depth` 0 waits for nobody."""

    depth: int
    session_id: int | None
    login: str
    state: str
    since_s: float | None
    what: str
    waiting: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """
    One interval, which ended `at` by the server's clock.

    `known_s` is what the classes took together, `unknown_s` what else statements took, as far as
    it is known how much: None where it is not. With a problem the answer is not whole.
    """

    at: str
    length_s: float
    engine: str
    source: str
    calls: int
    known_s: float
    unknown_s: float | None
    classes: list[ClassRow]
    waits: list[WaitRow]
    samples: int
    running: list[RunningRow]
    blocking: list[BlockingRow]
    problems: list[str]


RANKS: dict[str, Callable[[ClassRow], float]] = {
    "total": lambda row: row.total_s,
    "calls": lambda row: row.calls,
    "mean": lambda row: row.mean_ms,
    "rows": lambda row: row.row_count,
    "reads": lambda row: row.pages_read or 0,
}


def class_row(cost: ClassCost, *, whole_us: int, length_s: float) -> ClassRow:
    """Return the line of a class in an interval of `length_s`, in which all took `whole_us`."""
    return ClassRow(
        class_id=cost.class_id,
        calls=cost.calls,
        calls_per_s=round(cost.calls / length_s, 3),
        total_s=cost.total_us / 1e6,
        share=round(cost.total_us / whole_us, 6) if whole_us else 0.0,
        mean_ms=round(cost.total_us / cost.calls / 1000, 6),
        row_count=cost.row_count,
        pages_read=cost.pages_read,
        databases=tuple(sorted(cost.databases)),
        text=cost.text,
    )


def wait_rows(samples: Samples) -> list[WaitRow]:
    """Return what sessions waited for, most sessions first."""
    by_wait: dict[str, dict[str, int]] = defaultdict(dict)
    for (wait, class_id), count in samples.waits.items():
        by_wait[wait][class_id] = count
    rows = [
        WaitRow(
            wait=wait,
            sessions=round(sum(classes.values()) / samples.taken, 3),
            class_id=min(classes, key=lambda each: (-classes[each], each)),
        )
        for wait, classes in by_wait.items()
    ]
    return sorted(rows, key=lambda row: (-row.sessions, row.wait))


def running_rows(samples: Samples, texts: Texts) -> list[RunningRow]:
    """Return what still ran at the last sample, the longest first."""
    longest = sorted(samples.running, key=lambda each: (-(each.statement_ms or 0), each.session_id))
    rows = []
    for each in longest[:_RUNNING_MAX]:
        statement = texts.of(each.text_key, each.sql_text)
        rows.append(
            RunningRow(
                session_id=each.session_id,
                login=each.login,
                database_name=each.database_name,
                statement_s=(each.statement_ms or 0) / 1000,
                wait=each.wait,
                class_id="" if statement is None else statement.class_id,
                text="" if statement is None else statement.text,
            )
        )
    return rows


def blocking_row(branch: Branch) -> BlockingRow:
    """Return the line of a session in the tree of who blocks whom."""
    session = branch.session
    if session is None:
        unseen = "a prepared transaction" if branch.session_id == 0 else "gone by now"
        unseen = "the server does not say who" if branch.session_id is None else unseen
        return BlockingRow(
            depth=branch.depth,
            session_id=branch.session_id,
            login="",
            state=unseen,
            since_s=None,
            what=branch.what,
            waiting=branch.waiting,
            text="",
        )
    age_ms = session.statement_ms if session.state == "active" else session.state_ms
    return BlockingRow(
        depth=branch.depth,
        session_id=branch.session_id,
        login=session.login,
        state=session.state,
        since_s=None if age_ms is None else age_ms / 1000,
        what=branch.what,
        waiting=branch.waiting,
        text=" ".join(session.sql_text.split()),
    )
