"""
The ways on which a notice reaches somebody.

Each is a dataclass with the members of `Channel`. To add one: write it here, and a line in
`settings.KINDS`. What it raises is `Undelivered`; who calls it scrubs what that says.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Protocol

from ..errors import ConfigError
from ..passwords import Secret
from . import http, mail
from .failing import Undelivered
from .notice import Notice, State, headline, record, text

RESOLVED_KEPT_S = 300
SLACK_COLOURS = {"OK": "#2e7d32", "WARNING": "#f9a825", "CRITICAL": "#c62828", "UNKNOWN": "#757575"}
SLACK_LISTED_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What every channel has: its name, what it hears of, and what must never be seen."""

    name: str
    least: State = "UNKNOWN"
    targets: tuple[str, ...] = ("*",)
    secrets: tuple[Secret, ...] = ()


class Channel(Protocol):
    """One way on which notices go."""

    kind: ClassVar[str]

    @property
    def envelope(self) -> Envelope:
        """Its name, and what it hears of."""

    def send(self, notices: Sequence[Notice], *, timeout_s: float) -> None:
        """Deliver `notices` as one message; return when the receiver has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """Lines of JSON, appended to a file."""

    kind: ClassVar[str] = "log"
    envelope: Envelope
    path: Path

    def send(self, notices: Sequence[Notice], *, timeout_s: float) -> None:
        """Append one line a notice, all in one write."""
        lines = "".join(json.dumps(record(notice), ensure_ascii=False) + "\n" for notice in notices)
        data = lines.encode()
        try:
            # Non-blocking: a pipe without a reader must not hold up the other channels.
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
            handle = os.open(self.path, flags, mode=0o640)
            try:
                if os.write(handle, data) != len(data):
                    raise Undelivered("broken", "the file took only a part of it")
            finally:
                os.close(handle)
        except OSError as exc:
            raise Undelivered("broken", f"{exc.strerror} at {str(self.path)!r}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail to the people named, or to the customer that a message is for."""

    kind: ClassVar[str] = "mail"
    envelope: Envelope
    post: mail.Post
    to: tuple[str, ...]

    def send(self, notices: Sequence[Notice], *, timeout_s: float) -> None:
        """Send one mail about all of `notices`."""
        first = notices[0]
        to = (first.to,) if first.to else self.to
        if not to:
            raise Undelivered("rejected", "there is no address to write to", is_final=True)
        is_message = first.kind == "message"
        message = mail.compose(
            self.post,
            to,
            subject=first.title if is_message else headline(notices),
            text=text(notices),
            key=first.key,
        )
        mail.send(self.post, message, timeout_s=timeout_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A POST of JSON: ``{"text": …, "notices": [{"key": …, "state": …}, …]}``."""

    kind: ClassVar[str] = "webhook"
    envelope: Envelope
    url: Secret
    authorization: Secret | None = None

    def send(self, notices: Sequence[Notice], *, timeout_s: float) -> None:
        """Post all of `notices`; ``Idempotency-Key`` is the same when the same is sent again."""
        body = {"text": headline(notices), "notices": [record(notice) for notice in notices]}
        headers = _headers(self.authorization)
        if len(notices) == 1:
            headers["Idempotency-Key"] = notices[0].key.encode("ascii", "replace").decode()
        http.post(self.url.reveal(), _json(body), headers=headers, timeout_s=timeout_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slack:
    """A POST in the shape that Slack, Mattermost and their like take on an incoming webhook."""

    kind: ClassVar[str] = "slack"
    envelope: Envelope
    url: Secret

    def send(self, notices: Sequence[Notice], *, timeout_s: float) -> None:
        """Post one message, with a coloured block a notice."""
        blocks = [
            {
                "color": SLACK_COLOURS[notice.state],
                "fallback": _escaped(headline([notice])),
                "text": _escaped(text([notice])),
            }
            for notice in notices[:SLACK_LISTED_MAX]
        ]
        body = {"text": _escaped(headline(notices)), "attachments": blocks}
        http.post(self.url.reveal(), _json(body), headers=_headers(None), timeout_s=timeout_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alertmanager:
    """
    Prometheus' Alertmanager, which tells people by itself.

    It forgets an alert that is not sent again: every run sends what lasts, good for `lasts_s`,
    and for five minutes what is over.
    """

    kind: ClassVar[str] = "alertmanager"
    envelope: Envelope
    url: Secret
    lasts_s: int
    authorization: Secret | None = None

    def send(self, notices: Sequence[Notice], *, timeout_s: float) -> None:
        """Post what lasts and what is over; the labels tell one alert from another."""
        body = [alert for notice in notices for alert in self._alerts(notice)]
        url = self.url.reveal().rstrip("/") + "/api/v2/alerts"
        headers = _headers(self.authorization)
        http.post(url, _json(body), headers=headers, timeout_s=timeout_s)

    def _alerts(self, notice: Notice) -> Iterator[dict[str, Any]]:
        """Yield the alert of `notice`, and the one that it takes the place of."""
        is_over = notice.kind == "recovered"
        is_fresh = (notice.at - notice.since).total_seconds() < RESOLVED_KEPT_S
        if notice.was != "OK" and (is_over or is_fresh):
            begun = notice.since - timedelta(seconds=1)
            yield _alert(notice, notice.was, begun, ends=notice.since)
        if not is_over:
            ends = notice.at + timedelta(seconds=self.lasts_s)
            yield _alert(notice, notice.state, notice.since, ends=ends)


def _alert(notice: Notice, state: State, begins: datetime, *, ends: datetime) -> dict[str, Any]:
    about = {
        "summary": notice.title,
        "description": notice.message,
        "runbook": notice.runbook,
        "command": notice.command,
    }
    return {
        "labels": {
            "alertname": notice.name,
            "instance": notice.target,
            "job": "stockops",
            "severity": state.lower(),
        },
        "annotations": {key: value for key, value in about.items() if value},
        "startsAt": begins.astimezone(UTC).isoformat(),
        "endsAt": ends.astimezone(UTC).isoformat(),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Apprise:
    """Any service that the library apprise knows, by its URL."""

    kind: ClassVar[str] = "apprise"
    envelope: Envelope
    url: Secret

    def send(self, notices: Sequence[Notice], *, timeout_s: float) -> None:
        """Hand one message to the library, which says no more than whether it went."""
        apprise = _apprise()
        sender = apprise.Apprise()
        if not sender.add(self.url.reveal()):
            raise Undelivered("broken", "apprise does not know this URL")
        if not sender.notify(title=headline(notices), body=text(notices)):
            raise Undelivered("rejected", "apprise could not deliver it")


def _apprise() -> Any:
    try:
        import apprise  # noqa: PLC0415  an extra, and not a small one
    except ImportError:
        raise ConfigError(
            "a channel of the type apprise needs the library of that name",
            hint="Install it: pip install 'stockops[apprise]'",
        ) from None
    return apprise


def _headers(authorization: Secret | None) -> dict[str, str]:
    headers = {"Content-Type": "application/json"}
    if authorization is not None:
        headers["Authorization"] = authorization.reveal()
    return headers


def _json(body: object) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


def _escaped(words: str) -> str:
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


CARRIERS = (Mail, Webhook, Log)  # of messages to a customer; the others write to a room
