"""An entry of a PostgreSQL log, whatever its form, as an event."""

import re
from dataclasses import dataclass

from ..events import Event
from . import pgwords

_QUERY_TEXT = "Query Text: "
_NODE = re.compile(r"\n(?=(?:Query Parameters: |[^\n]*  \(cost=))")
_DURATION_MARKS = (": ", " ms")
_PREPARED = {"parse", "bind"}
# What was logged for its own sake: an execution, but nothing that a user waits for by itself.
_FIRST_WORD = re.compile(r"\s*(\w+)")
_QUERY_ID = re.compile(r"-?[1-9][0-9]{0,18}")  # 0 is none
_JSON_TEXT = re.compile(r'"Query Text": "((?:[^"\\]|\\.)*)"')


@dataclass(slots=True)
class Entry:
    """The fields of one entry; "" where the log does not say."""

    at_us: int | None = None
    severity: str = "LOG"
    message: str = ""
    detail: str = ""
    context: str = ""
    statement: str = ""
    user: str = ""
    database: str = ""
    host: str = ""
    application: str = ""
    session: str = ""
    sql_state: str = ""
    query_id: str = ""


def event_of(entry: Entry) -> Event:
    """Return what `entry` tells: an execution, a preparation, a plan, or a notice."""
    event = _told(entry)
    event.at_us = entry.at_us
    event.user, event.database = entry.user, entry.database
    event.host, event.application = entry.host, entry.application
    event.session = entry.session
    event.query_id = query_id(entry.query_id)
    return event


def query_id(said: str) -> int | None:
    """Return the id that the server gave a statement; None where it gave none."""
    return int(said) if _QUERY_ID.fullmatch(said) else None


def _told(entry: Entry) -> Event:
    message = entry.message
    if entry.severity == "LOG":
        if all(mark in message[:64] for mark in _DURATION_MARKS):
            for kind, pattern in pgwords.durations():
                found = pattern.match(message)
                if found is not None:
                    return _timed(kind, found, entry)
        for kind, pattern in pgwords.statements():
            found = pattern.match(message)
            if found is not None:  # its duration, if it is logged at all, has a line of its own
                return _begun(kind, found, entry)
    for kind, pattern in pgwords.notices():
        if pattern.match(message):
            return Event("notice", kind=kind, text=message, sql=entry.statement)
    kind = "message" if entry.severity in {"LOG", "NOTICE", "INFO", "DEBUG"} else "error"
    return Event(
        "notice",
        kind=kind,
        text=message,
        sql=entry.statement,
        more={"severity": entry.severity, "sql_state": entry.sql_state},
    )


def _begun(kind: str, found: re.Match[str], entry: Entry) -> Event:
    event = Event("notice", kind="statement", text=found["sql"])
    event.parameters = pgwords.parameters(entry.detail)
    if kind != "statement":
        event.more = {"prepared": found["name"], "step": kind}
    return event


def _timed(kind: str, found: re.Match[str], entry: Entry) -> Event:
    duration_us = int(found["ms"]) * 1000 + int(found["us"])
    if kind == "duration":
        return Event("notice", kind="duration", duration_us=duration_us, text=entry.message)
    sql = found["sql"]
    if kind == "plan":
        return _planned(sql, duration_us)
    source = "preparation" if kind in _PREPARED else "execution"
    event = Event(source, duration_us=duration_us, sql=sql)  # type: ignore[arg-type]
    event.parameters = pgwords.parameters(entry.detail)
    event.admin = kind == "fastpath"
    if kind not in {"statement", "fastpath"}:
        event.more = {"prepared": found["name"], "step": kind}
    return event


def _planned(said: str, duration_us: int) -> Event:
    """Take apart what auto_explain wrote: the statement, its parameters, the tree."""
    if not said.startswith(_QUERY_TEXT):
        text = _JSON_TEXT.search(said)
        sql = _unescaped(text[1]) if text else ""
        return Event("plan", duration_us=duration_us, sql=sql, plan=said)
    split = _NODE.search(said)
    sql = said[len(_QUERY_TEXT) : split.start() if split else len(said)]
    return Event(
        "plan", duration_us=duration_us, sql=sql, plan=said[split.end() :] if split else ""
    )


def _unescaped(text: str) -> str:
    return text.replace("\\n", "\n").replace("\\t", "\t").replace('\\"', '"').replace("\\\\", "\\")
