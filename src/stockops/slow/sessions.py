"""
A statement and its duration that stand in two entries of one session, as one execution.

PostgreSQL writes so with ``log_statement``: ``statement: ...`` as it begins, and ``duration: ...``
alone as it ends. A duration belongs to the statement that its session began last, unless an error
ended that one. Between the two may be hours, other sessions, and a cut of the file: what a stretch
of a file cannot know alone is kept with it, and stretches that are put together give the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from .events import Event

_ABORTS = {"ERROR", "FATAL", "PANIC"}
_KINDS = {"statement", "duration", "error", "deadlock", "connection"}


def process_of(session: str) -> str:
    """Return the process of `session`: of %c it is the second part, and %p is one itself."""
    return session.rpartition(".")[2]


@dataclass(slots=True)
class Sessions:
    """
    What the sessions of one stretch of a file are about.

    By process, of which there are few, and not by session: `waiting` is the statement that waits
    for its duration, None for none; `first` a duration whose statement is not in this stretch.
    """

    first: dict[str, Event | None] = field(default_factory=dict)
    waiting: dict[str, Event | None] = field(default_factory=dict)

    def feed(self, event: Event) -> Iterator[Event]:
        """Give `event`, or what becomes of it and the statement before it."""
        if event.source != "notice" or event.kind not in _KINDS or not event.session:
            yield event
            return
        if event.kind == "error" and event.more.get("severity") not in _ABORTS:
            yield event
            return
        process = process_of(event.session)
        known = process in self.waiting
        before = self.waiting.get(process)
        self.waiting[process] = event if event.kind == "statement" else None
        if event.kind == "duration":
            if known:
                yield from _together(before, event)
            else:
                self.first[process] = event
            return
        self.first.setdefault(process, None)
        if before is not None:
            yield before
        if event.kind != "statement":
            yield event

    def then(self, later: "Sessions") -> Iterator[Event]:
        """Add the stretch that follows, and give what is known now."""
        for process, event in later.first.items():
            if process not in self.waiting:
                self.first[process] = event
            elif event is not None:
                yield from _together(self.waiting[process], event)
            elif (before := self.waiting[process]) is not None:
                yield before
            self.waiting[process] = later.waiting[process]

    def close(self) -> Iterator[Event]:
        """Give what is left at the end of the file: it stays apart."""
        yield from (event for event in self.first.values() if event)
        yield from (event for event in self.waiting.values() if event)
        self.first, self.waiting = {}, {}


def _together(statement: Event | None, duration: Event) -> Iterator[Event]:
    if statement is None or statement.session != duration.session:
        yield from (each for each in (statement, duration) if each)
        return
    yield Event(
        "execution",
        at_us=duration.at_us,
        duration_us=duration.duration_us,
        sql=statement.text,
        parameters=statement.parameters,
        user=statement.user or duration.user,
        database=statement.database or duration.database,
        host=statement.host or duration.host,
        application=statement.application or duration.application,
        session=statement.session,
        query_id=duration.query_id,
        more=statement.more,
    )
