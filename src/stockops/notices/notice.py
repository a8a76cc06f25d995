"""What is told to people, and how it reads."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from ..passwords import Secret

State = Literal["OK", "WARNING", "CRITICAL", "UNKNOWN"]
Kind = Literal["problem", "recovered", "reminder", "flapping", "message", "test"]

STATES: tuple[State, ...] = ("OK", "WARNING", "CRITICAL", "UNKNOWN")  # by the numbers of Nagios
SEVERITY: dict[str, int] = {"OK": 0, "UNKNOWN": 1, "WARNING": 2, "CRITICAL": 3}
TEXT_CHARACTERS_MAX = 1000
LISTED_MAX = 50

_SECRET_WORDS = re.compile(
    r"(?i)\b((?:pass(?:word|wd)?|pwd|secret|token|api[_-]?key|sslpassword)\s*[=:]\s*)"
    r"('[^']*'|\"[^\"]*\"|[^\s,;&'\"]+)"
)
_IN_URL = re.compile(r"(?<=://)[^\s'\"]+@")  # to the last @: a password may hold anything
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]{8,}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What one check says of one target now; `name` is that of the check."""

    name: str
    state: State
    title: str
    message: str
    runbook: str = ""
    command: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """
    One thing to tell.

    `since` is when the state began, `was` the state before it. A message to a customer has the
    `number` of its row, the kind of message as `name`, and the address `to` where there is one.
    """

    kind: Kind
    target: str
    name: str
    state: State
    title: str
    message: str
    since: datetime
    at: datetime
    was: State = "OK"
    runbook: str = ""
    command: str = ""
    number: int | None = None
    to: str | None = None

    @property
    def key(self) -> str:
        """What stays equal when the same is told again: a receiver can drop the second one."""
        if self.number is not None:
            return f"{self.target}/notifications/{self.number}"
        return f"{self.target}/{self.name}/{self.state}/{self.since.timestamp():.0f}"


def redacted(text: str) -> str:
    """Return `text` without what looks like a password, a token or a login in a URL."""
    text = _IN_URL.sub("***@", text)
    text = _SECRET_WORDS.sub(r"\1***", text)
    text = _BEARER.sub(r"\1 ***", text)
    text = _CONTROL.sub(" ", text)
    if len(text) > TEXT_CHARACTERS_MAX:
        text = text[: TEXT_CHARACTERS_MAX - 1] + "…"
    return text


def clean(notice: Notice, *, secrets: Iterable[Secret] = ()) -> Notice:
    """Return `notice` as it may leave this machine: bounded, redacted, without `secrets`."""
    title, message = notice.title, notice.message
    for secret in secrets:
        title, message = secret.scrub(title), secret.scrub(message)
    return replace(
        notice,
        title=_line(title),
        message=redacted(message),
        command=_line(notice.command),
        runbook=_line(notice.runbook),
    )


def _line(text: str) -> str:
    return " ".join(redacted(text).split())


def headline(notices: Sequence[Notice]) -> str:
    """Return one line for all of `notices`, which is also the subject of a mail."""
    if len(notices) == 1:
        return f"[stockops] {_head(notices[0])}"
    targets = sorted({notice.target for notice in notices})
    where = targets[0] if len(targets) == 1 else f"{len(targets)} targets"
    return f"[stockops] {where}: {_counted(notices)}"


def _counted(notices: Iterable[Notice]) -> str:
    counts: dict[str, int] = {}
    for notice in sorted(notices, key=lambda n: -SEVERITY[n.state]):
        word = notice.kind if notice.kind in {"recovered", "flapping"} else notice.state
        counts[word] = counts.get(word, 0) + 1
    return ", ".join(f"{count} {word}" for word, count in counts.items())


def _head(notice: Notice) -> str:
    word = {
        "recovered": "RECOVERED",
        "reminder": f"STILL {notice.state}",
        "flapping": "FLAPPING",
        "message": "MESSAGE",
        "test": "TEST",
    }.get(notice.kind, notice.state)
    return f"{word} {notice.target}: {notice.title}"


def lines(notice: Notice) -> list[str]:
    """Return what a person reads about one notice: what, where, since when, and what next."""
    if notice.kind == "message":
        return [notice.message]
    told = [_head(notice), f"  {notice.message}"]
    since = notice.since.astimezone(UTC).isoformat(sep=" ", timespec="seconds")
    if notice.kind != "test":
        told.append(f"  since {since}, was {notice.was}")
    if notice.kind == "flapping":
        told.append("  it changes too often to tell each change; told again once it holds still")
    if notice.runbook and notice.kind != "recovered":
        told.append(f"  runbook: {notice.runbook}")
    if notice.command and notice.kind != "recovered":
        told.append(f"  next: {notice.command}")
    return told


def text(notices: Sequence[Notice]) -> str:
    """Return what a person reads about all of `notices`, the worst first."""
    ordered = sorted(notices, key=lambda n: (-SEVERITY[n.state], n.target, n.name))
    blocks = ["\n".join(lines(notice)) for notice in ordered[:LISTED_MAX]]
    if len(ordered) > LISTED_MAX:
        blocks.append(f"and {len(ordered) - LISTED_MAX} more: stockops health check")
    return "\n\n".join(blocks)


def record(notice: Notice) -> dict[str, object]:
    """Return `notice` for a program: the JSON that webhooks and the log hold."""
    return {
        "key": notice.key,
        "kind": notice.kind,
        "target": notice.target,
        "name": notice.name,
        "state": notice.state,
        "was": notice.was,
        "title": notice.title,
        "message": notice.message,
        "since": notice.since.astimezone(UTC).isoformat(),
        "at": notice.at.astimezone(UTC).isoformat(),
        "runbook": notice.runbook,
        "command": notice.command,
        "number": notice.number,
        "to": notice.to,
    }
