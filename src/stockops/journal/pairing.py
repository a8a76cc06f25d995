"""
What a client journal says, held against what the database holds.

Both are read once, in the order of the keys, and merged: memory does not grow with the run.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from ..engine.base import Server
from ..orders import REASONS_WITHOUT_ROW
from ..queries import Query
from .files import Journal, Line, read_header

What = Literal["missing", "never_sent", "duplicate", "contradictory"]

EXAMPLES_MAX = 20
_AT_OF_ANSWER, _AT_OF_CANCEL = 7, 5  # where the time stands in a line that has one
_WINDOW_LINES = 20_000
_CANCELS_PER_QUESTION = 500


_Ident = tuple[str, int | None]  # the key of an order, and its number


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """
    One thing that does not fit. `expected` is the journal's word, `found` the database's.

    `order_id` is the number that was answered, else the one in the database, None where there is
    neither.
    """

    what: What
    key: str
    order_id: int | None
    expected: str
    found: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """
    The verdict on a journal.

    `unknown` are orders whose answer was lost, `unknown_settled` those of them that were answered
    when they were asked for again by their key. `resolved_committed` and `resolved_absent` are
    orders whose answer was never heard, and what the database says of them. `cancels` were
    answered; `cancels_unanswered` were sent, and nobody heard what came of them. `findings` counts
    by kind; `examples` are the first of them, in the order of the keys.

    What is missing is the RPO: `missing_won` is what the missing orders had been filled for when
    they were answered, `missing_cancels` are those of the missing that are cancels, and
    `missing_from` and `missing_to` are when the first and the last of them were answered, by the
    client's clock; None where nothing is missing, and in a journal of before. `missing_s` is the
    time between the two, 0 where nothing is missing.
    """

    run_id: str
    intents: int
    acknowledged: int
    accepted: int
    rejected: int
    given_up: int
    withdrawn: int
    unknown: int
    unknown_settled: int
    resolved_committed: int
    resolved_absent: int
    cancels: int
    cancels_unanswered: int
    in_database: int
    findings: Mapping[What, int]
    missing_won: int
    missing_cancels: int
    missing_from: datetime | None
    missing_to: datetime | None
    missing_s: float | None
    examples: Sequence[Finding]

    @property
    def clean(self) -> bool:
        """True where something was checked and nothing was found."""
        return self.intents > 0 and not any(self.findings.values())


@dataclass(frozen=True, slots=True)
class CancelledOrder:
    """What became of an order that was cancelled."""

    order_id: int
    idempotency_key: str
    status: str
    reason: str | None


CANCELLED = Query("journal_cancelled_orders", CancelledOrder)


@dataclass(slots=True)
class Intent:
    """An order as the journal knows it."""

    key: str
    body: tuple[Any, ...] | None  # None: there is an answer and no intent
    answer: Line | None = None
    sent_twice: bool = False
    unknown: bool = False  # an answer to it was lost


@dataclass(frozen=True, slots=True)
class Stored:
    """An order as the database holds it."""

    key: str
    order_id: int
    body: tuple[Any, ...]  # account_id, symbol, side, kind, limit_won, quantity
    filled: int
    status: str
    reason: str | None


@dataclass(slots=True)
class _Tally:
    examples_max: int | None
    counts: Counter[str] = field(default_factory=Counter)
    findings: Counter[What] = field(default_factory=Counter)
    examples: list[Finding] = field(default_factory=list)
    missing_ms: list[int] = field(default_factory=list)  # the first and the last

    def found(self, what: What, about: _Ident, *, expected: str, found: str) -> None:
        self.findings[what] += 1
        if self.examples_max is None or len(self.examples) < self.examples_max:
            key, order_id = about
            self.examples.append(
                Finding(what=what, key=key, order_id=order_id, expected=expected, found=found)
            )

    def missing(self, about: _Ident, at_ms: int | None, *, expected: str, found: str) -> None:
        self.found("missing", about, expected=expected, found=found)
        if at_ms is not None:
            known = [at_ms, *self.missing_ms]
            self.missing_ms = [min(known), max(known)]

    @property
    def missing_s(self) -> float | None:
        if not self.missing_ms:
            return None if self.findings["missing"] else 0.0
        return (self.missing_ms[1] - self.missing_ms[0]) / 1000


def audit(server: Server, directory: Path, *, examples_max: int | None = EXAMPLES_MAX) -> Audit:
    """
    Pair the journal at `directory` with the database of `server`, by the keys of the orders.

    Numbers do not count: a server that went on from an earlier moment may have given them again.
    `examples_max` None keeps every finding. Raises `ConfigError` where there is no journal or it is
    damaged, `Busy` while it is written.
    """
    journal = read_header(directory)
    tally = _Tally(examples_max)
    _merge(_intents(journal, tally), _stored(server, journal), tally)
    _check_cancels(server, journal, tally)
    counts = tally.counts
    return Audit(
        run_id=journal.header.run_id,
        intents=counts["intents"],
        acknowledged=counts["acknowledged"],
        accepted=counts["accepted"],
        rejected=counts["rejected"],
        given_up=counts["given_up"],
        withdrawn=counts["withdrawn"],
        unknown=counts["unknown"],
        unknown_settled=counts["unknown_settled"],
        resolved_committed=counts["resolved_committed"],
        resolved_absent=counts["resolved_absent"],
        cancels=counts["cancels"],
        cancels_unanswered=counts["cancels_meant"] - counts["cancels"] - counts["cancels_unsent"],
        in_database=counts["in_database"],
        findings={
            "missing": tally.findings["missing"],
            "never_sent": tally.findings["never_sent"],
            "duplicate": tally.findings["duplicate"],
            "contradictory": tally.findings["contradictory"],
        },
        missing_won=counts["missing_won"],
        missing_cancels=counts["missing_cancels"],
        missing_from=_instant(tally.missing_ms[:1]),
        missing_to=_instant(tally.missing_ms[1:]),
        missing_s=tally.missing_s,
        examples=tuple(tally.examples),
    )


def _intents(journal: Journal, tally: _Tally) -> Iterator[Intent]:
    """Yield every order of the journal with its answer, in the order of the keys."""
    for client in range(journal.header.clients):
        window: dict[str, Intent] = {}
        for line in journal.lines(client):
            _read(line, window)
            while window:
                head = next(iter(window.values()))
                if head.answer is None and len(window) < _WINDOW_LINES:
                    break
                yield window.pop(head.key)
        yield from window.values()


def _read(line: Line, window: dict[str, Intent]) -> None:
    kind, key = line[0], line[1]
    if kind == "o":
        if key in window:
            window[key].sent_twice = True
        else:
            window[key] = Intent(key, tuple(line[2:8]))
    elif kind in {"a", "e", "w"}:
        window.setdefault(key, Intent(key, None)).answer = line
    elif kind == "u" and key in window:  # else of a cancel, whose order was answered before
        window[key].unknown = True


def _stored(server: Server, journal: Journal) -> Iterator[Stored]:
    """Yield every order of the run that the database holds, in the order of the keys."""
    run_id = journal.header.run_id
    # stream() takes no parameters: the run's name was matched against letters and digits.
    sql = (
        "SELECT o.idempotency_key, o.order_id, o.account_id, o.symbol, o.side, o.kind, "  # noqa: S608
        "o.limit_won, o.quantity, o.filled_quantity, o.status, o.reason FROM orders AS o "
        f"WHERE o.idempotency_key >= '{run_id}-' AND o.idempotency_key < '{run_id}.' "
        "ORDER BY o.idempotency_key, o.order_id"
    )
    for rows in server.stream(sql, batch=1000):
        for row in rows:
            yield Stored(row[0], row[1], tuple(row[2:8]), row[8], row[9], row[10])


def _merge(intents: Iterator[Intent], stored: Iterator[Stored], tally: _Tally) -> None:
    intent, row = next(intents, None), next(stored, None)
    while intent is not None or row is not None:
        if row is None or (intent is not None and intent.key < row.key):
            assert intent is not None  # noqa: S101  one of the two is there
            _pair(intent, [], tally)
            intent = next(intents, None)
            continue
        rows = [row]
        while (row := next(stored, None)) is not None and row.key == rows[0].key:
            rows.append(row)
        if intent is not None and intent.key == rows[0].key:
            _pair(intent, rows, tally)
            intent = next(intents, None)
        else:
            _pair(Intent(rows[0].key, None), rows, tally)


def _pair(intent: Intent, rows: Sequence[Stored], tally: _Tally) -> None:
    """Judge one key: what the journal says of it, against the rows of the database."""
    counts, about = tally.counts, (intent.key, rows[0].order_id if rows else None)
    counts["in_database"] += len(rows)
    if intent.body is None:
        found = _shown(rows) if rows else "no row"
        said = "nothing" if intent.answer is None else f"an answer {intent.answer[2:]} to nothing"
        tally.found("never_sent", about, expected=f"the journal holds {said}", found=found)
        return
    counts["intents"] += 1
    if intent.unknown:
        counts["unknown"] += 1
        counts["unknown_settled"] += intent.answer is not None
    if intent.sent_twice:
        tally.found("duplicate", about, expected="sent once", found="twice in the journal")
    if len(rows) > 1:
        tally.found("duplicate", about, expected="one order", found=_shown(rows))
    for row in rows:
        if row.body != intent.body:
            tally.found("contradictory", about, expected=str(intent.body), found=_shown([row]))
    _judge(intent, rows[0] if rows else None, tally)


def _judge(intent: Intent, row: Stored | None, tally: _Tally) -> None:
    counts, key, answer = tally.counts, intent.key, intent.answer
    kind = "" if answer is None else answer[0]
    if answer is None:
        counts["resolved_absent" if row is None else "resolved_committed"] += 1
    elif kind in {"e", "w"}:
        counts["given_up" if kind == "e" else "withdrawn"] += 1
        if row is not None:
            said = "rolled back" if kind == "e" else "never sent"
            tally.found("contradictory", (key, row.order_id), expected=said, found=_shown([row]))
    else:
        _judge_answer(answer, row, tally)


def _judge_answer(answer: Line, row: Stored | None, tally: _Tally) -> None:
    key, status, reason, order_id, filled = answer[1:6]
    value_won = int(answer[6]) if len(answer) > 6 else 0  # a journal of before has none
    tally.counts["acknowledged"] += 1
    tally.counts["rejected" if status == "rejected" else "accepted"] += 1
    said = f"{status} {reason or ''} order {order_id} filled {filled}".replace("  ", " ")
    about = key, order_id
    if status == "rejected" and reason in REASONS_WITHOUT_ROW:
        if row is not None:
            tally.found("contradictory", about, expected=f"{said}, no row", found=_shown([row]))
    elif row is None:
        tally.missing(about, _at_ms(answer, _AT_OF_ANSWER), expected=said, found="no row")
        tally.counts["missing_won"] += value_won
    elif not _follows(answer, row):
        tally.found("contradictory", about, expected=said, found=_shown([row]))


def _follows(answer: Line, row: Stored) -> bool:
    """Tell whether an order that was answered so can be as `row` says by now."""
    _, _, status, reason, order_id, filled = answer[:6]
    if row.order_id != order_id or row.filled < filled:
        return False
    if status == "open":  # it may have been filled, cancelled or expired since
        return row.status in {"open", "filled", "cancelled"}
    return (row.status, row.reason, row.filled) == (status, reason, filled)


def _check_cancels(server: Server, journal: Journal, tally: _Tally) -> None:
    """Look every cancel up that was made, some hundred at a time: a refused one is owed nothing."""
    asked: dict[int, Line] = {}
    for client in range(journal.header.clients):
        for line in journal.lines(client):
            match line[0]:
                case "c":
                    tally.counts["cancels_meant"] += 1
                case "v" | "f":
                    tally.counts["cancels_unsent"] += 1
                case "x":
                    tally.counts["cancels"] += 1
                    if line[3:5] == ["cancelled", "cancelled"]:
                        asked[line[2]] = line
            if len(asked) >= _CANCELS_PER_QUESTION:
                _look_up(server, asked, tally)
    _look_up(server, asked, tally)


def _look_up(server: Server, asked: dict[int, Line], tally: _Tally) -> None:
    if not asked:
        return
    numbers = ",".join(map(str, asked))
    there = {row.order_id: row for row in server.fetch(CANCELLED, order_ids=numbers)}
    for order_id, line in asked.items():
        key, row = line[1], there.get(order_id)
        if row is None or row.idempotency_key != key:  # the number is another order's by now
            found = "no row"
        elif row.reason != "cancelled":  # the order is there, and its cancel is gone
            found = f"order {order_id} {row.status} {row.reason or ''}".rstrip()
        else:
            continue
        tally.counts["missing_cancels"] += 1
        at_ms, expected = _at_ms(line, _AT_OF_CANCEL), f"order {order_id} cancelled"
        tally.missing((key, order_id), at_ms, expected=expected, found=found)
    asked.clear()


def _shown(rows: Sequence[Stored]) -> str:
    return "; ".join(
        f"order {row.order_id} {row.status} {row.reason or ''} filled {row.filled} of {row.body}"
        for row in rows
    )


def _at_ms(line: Line, place: int) -> int | None:
    """Return when an answer was heard; None in a journal of before."""
    return int(line[place]) if len(line) > place else None


def _instant(at_ms: Sequence[int]) -> datetime | None:
    return datetime.fromtimestamp(at_ms[0] / 1000, UTC) if at_ms else None
