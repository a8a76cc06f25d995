"""
Messages to customers: rows of the table ``notifications`` that wait to be delivered.

A row is locked, sent and marked in one transaction, so two runs never send the same one. A kill
after the sending and before the COMMIT sends it again: the receiver sees the same key.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from .. import queries
from ..engine.base import Server
from ..errors import ServerError
from ..plan import Step
from ..queries import Query
from .channels import Channel
from .notice import Notice
from .sending import Delivery, send
from .settings import Settings

TITLES = {
    "order_executed": "주문이 체결되었습니다",
    "order_rejected": "주문이 거부되었습니다",
    "rebalance_executed": "리밸런싱이 완료되었습니다",
    "ai_warning": "AI 예측 경고",
    "corporate_action": "종목에 변경이 있습니다",
}
FAILURES_MAX = 3  # in a row: then the channel is down, and the rest waits for the next run
RUN_S_MAX = 240.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRow:
    """One message that waits; `queued_s` is when it was written, in seconds since 1970."""

    number: int
    kind: str
    body: str
    email: str
    phone: str
    queued_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedRow:
    """How many messages wait to go by one way, and since when the oldest, in seconds since 1970."""

    channel: str
    messages: int
    oldest_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """
    What became of the messages by one way.

    `refused` ones are marked as failed: the receiver said no to them for good. What `waits` is
    tried again by the next run; `why` says what stopped this one.
    """

    channel: str
    by: str
    sent: int = 0
    refused: int = 0
    waits: int = 0
    why: str = ""


NEXT = Query("notices/next_message", MessageRow)
QUEUED = Query("notices/queued", QueuedRow)


def steps(server: Server, settings: Settings) -> list[Step]:
    """Return what `deliver` would do, one step for each way on which something waits."""
    found = []
    for row in server.fetch(QUEUED):
        name = settings.messages.get(row.channel)
        oldest = datetime.fromtimestamp(row.oldest_s, UTC).strftime("%Y-%m-%d %H:%M")
        way = (
            f"by the channel {name}"
            if name
            else f"by nothing: notify.messages has no {row.channel}"
        )
        found.append(
            Step(
                action=f"deliver {row.messages} queued ({row.channel}) {way}",
                why=f"the oldest waits since {oldest} UTC",
            )
        )
    return found


def deliver(
    server: Server, settings: Settings, *, target: str, at_most: int
) -> Iterator[Delivered]:
    """
    Deliver what waits, at most `at_most` messages by each way; yield what became of each way.

    A way that nobody carries is named with what waits. Raises `ServerError` where a message was
    sent and could not be marked.
    """
    deadline = time.monotonic() + RUN_S_MAX
    for row in server.fetch(QUEUED):
        name = settings.messages.get(row.channel)
        if name is None:
            why = f"no channel: write notify: {{messages: {{{row.channel}: CHANNEL}}}}"
            yield Delivered(channel=row.channel, by="", waits=row.messages, why=why)
            continue
        run = _Run(server, settings.channels[name], row.channel, target)
        done = run.all(min(at_most, row.messages), deadline=deadline)
        yield replace(done, waits=max(0, row.messages - done.sent - done.refused))


@dataclass(slots=True)
class _Run:
    server: Server
    channel: Channel
    way: str
    target: str
    after_id: int = 0

    def all(self, count: int, *, deadline: float) -> Delivered:
        """Deliver up to `count` messages, the oldest first."""
        done = Delivered(channel=self.way, by=self.channel.envelope.name)
        failures = 0
        for _ in range(count):
            if failures == FAILURES_MAX or time.monotonic() > deadline:
                break
            one = self._one()
            if one is None:
                break
            if one.is_delivered:
                done, failures = replace(done, sent=done.sent + 1), 0
            elif one.is_final:
                done, failures = replace(done, refused=done.refused + 1, why=one.why), 0
            else:
                done, failures = replace(done, why=one.why), failures + 1
        return done

    def _one(self) -> Delivery | None:
        """Deliver the next message; None where there is no more."""
        sent = None
        try:
            # A read with locks at repeatable read would also lock the gap where new ones go.
            with self.server.transaction(isolation="read committed"):
                found = self.server.fetch(NEXT, channel=self.way, after_id=self.after_id)
                if not found:
                    return None
                self.after_id = found[0].number
                sent = self._sent(found[0])
                if sent.is_delivered or sent.is_final:
                    self._mark(found[0].number, "sent" if sent.is_delivered else "failed")
        except ServerError as exc:
            if sent is None or not sent.is_delivered:
                raise
            raise ServerError(
                f"message {self.after_id} was sent and could not be marked: {exc}",
                fault=exc.fault,
                code=exc.code,
                hint="The next run sends it again, with the same key.",
            ) from exc
        return sent

    def _sent(self, row: MessageRow) -> Delivery:
        name = self.channel.envelope.name
        notice = _notice(row, self.way, self.target)
        return send({name: [notice]}, {name: self.channel})[0]

    def _mark(self, number: int, status: str) -> None:
        sql = queries.text(self.server.engine, "delivering/mark", self.server.version[0])
        self.server.execute(sql, {"number": number, "status": status})


def _notice(row: MessageRow, way: str, target: str) -> Notice:
    return Notice(
        kind="message",
        target=target,
        name=row.kind,
        state="OK",
        title=TITLES.get(row.kind, row.kind),
        message=row.body,
        since=datetime.fromtimestamp(row.queued_s, UTC),
        at=datetime.now(UTC),
        number=row.number,
        to={"email": row.email, "sms": row.phone}.get(way),
    )
