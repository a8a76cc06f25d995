"""Follow advice on a server, and put back what it had before, from a record made before."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from .. import filelock
from ..engine.base import Server
from ..errors import Fault, ServerError, StockopsError
from ..plan import Step
from ..queries import Query
from ..targets import Target
from . import records, words
from .judging import Advice
from .records import Changed, Record, Where
from .reloading import TELL, reload

Outcome = Literal["applied", "by hand", "put back", "is back", "left"]

_PUT: Mapping[str, Where] = {
    "ALTER SYSTEM SET ": "system",
    "ALTER DATABASE ": "database",
    "SET GLOBAL ": "global",
}
_LITERAL = re.compile(r"'((?:[^']|'')*)'")
_ELEMENT = re.compile(r'\s*(?:"((?:[^"]|"")*)"|([^,"]*))\s*(?:,|\Z)')


@dataclass(frozen=True, slots=True)
class Place:
    """A setting: what new sessions begin with, and what is written down for it, where."""

    name: str
    value: str
    of_system: str | None
    of_database: str | None
    form: Literal["number", "text", "list"]

    def at(self, where: Where) -> str | None:
        """Return what stands at `where`; None where nothing does."""
        return {"system": self.of_system, "database": self.of_database, "global": self.value}[where]


@dataclass(frozen=True, slots=True)
class Identity:
    """Which server it is, whatever the target is called."""

    server: str


PLACES = Query("applying/places", Place)
IDENTITY = Query("applying/identity", Identity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """
    What became of one setting: what stood there before, and what stands there now.

    `note` says why it was left, what it still takes, or what to do by hand.
    """

    setting: str
    where: str
    before: str | None
    after: str | None
    outcome: Outcome
    note: str


def steps(
    target: Target, server: Server, advice: Iterable[Advice]
) -> tuple[list[Step], list[Done]]:
    """Return what `apply` would do, and what it would leave to be done by hand."""
    changes, left = _planned(_places(server, target.database), advice)
    found = [Step(each.put, f"{each.setting} is {_said(each.before)}") for each in changes]
    return [*found, *_reload(changes)], left


def apply(
    target: Target, server: Server, advice: Sequence[Advice]
) -> tuple[Record | None, list[Done]]:
    """
    Follow `advice`: all that a running server can be told, or nothing of it.

    What stood there is written down first. Returns the record as it was begun, None where nothing
    can be told, and what became of each; what is done by hand is among them. A server that is lost
    on the way is raised with the way back.
    """
    with filelock.hold(records.lock_file(), what="the change of settings"):
        changes, left = _planned(_places(server, target.database), advice)
        if not changes:
            return None, left
        record = records.begin(target, server.fetch(IDENTITY)[0].server, changes)
        try:
            for each in changes:
                server.execute(each.put)
            if _of_files(changes):
                reload(server)
        except StockopsError as exc:
            raise _back_again(server, record, exc) from exc
        there = _places(server, target.database)
        changes = tuple(
            replace(each, after=there[each.setting].at(each.where) or each.after)
            for each in changes
        )
        records.at(replace(record, changes=changes), "applied")
    done = [
        Done(
            setting=each.setting,
            where=each.where,
            before=each.before,
            after=each.after,
            outcome="applied",
            note=_takes(each, "to keep it, in the option file"),
        )
        for each in changes
    ]
    return record, [*done, *left]


def steps_back(server: Server, record: Record, *, whatever: bool) -> list[Step]:
    """Return what `revert` would do."""
    there = _places(server, record.database)
    back = [
        each
        for each in reversed(record.changes)
        if _verdict(each, there[each.setting], whatever=whatever) == "put back"
    ]
    found = [
        Step(
            _back(each, there[each.setting], record.database),
            f"{each.setting} is {_said(there[each.setting].at(each.where))}",
        )
        for each in back
    ]
    return [*found, *_reload(back)]


def revert(server: Server, record: Record, *, whatever: bool) -> list[Done]:
    """
    Put back what stood there before `record`, and return what became of each.

    What was changed by somebody else since is left, or, where `whatever`, put back, too.
    """
    with filelock.hold(records.lock_file(), what="the change of settings"):
        done = _revert(server, record, whatever=whatever)
        if not any(each.outcome == "left" for each in done):
            records.at(record, "reverted")
    return done


def _revert(server: Server, record: Record, *, whatever: bool) -> list[Done]:
    there = _places(server, record.database)
    done, back = [], []
    for each in reversed(record.changes):
        place = there[each.setting]
        outcome = _verdict(each, place, whatever=whatever)
        note = ""
        if outcome == "put back":
            server.execute(_back(each, place, record.database))
            back.append(each)
            note = _takes(each, "take it out of the option file, where it is there")
        elif outcome == "left":
            note = f"it was {each.after} after the change: somebody changed it since"
        done.append((each, outcome, note))
    if _of_files(back):
        reload(server)
    there = _places(server, record.database)
    return [
        Done(
            setting=each.setting,
            where=each.where,
            before=each.before,
            after=there[each.setting].at(each.where),
            outcome=outcome,
            note=note,
        )
        for each, outcome, note in done
    ]


def _verdict(change: Changed, place: Place, *, whatever: bool) -> Outcome:
    now = place.at(change.where)
    if _same(now, change.before):
        return "is back"
    return "put back" if whatever or _same(now, change.after) else "left"


def _same(one: str | None, other: str | None) -> bool:
    """Tell whether two values are one: 3600 and 3600.000000 are."""
    try:
        return one == other or float(one or "x") == float(other or "x")
    except ValueError:
        return False


def _planned(
    there: Mapping[str, Place], advice: Iterable[Advice]
) -> tuple[tuple[Changed, ...], list[Done]]:
    """Return what a running server can be told, and what is left to be done by hand."""
    changes, left = [], []
    for each in advice:
        if each.state != "advised":
            continue
        told = [(line, _where(line)) for line in each.statements]
        put = next(((line, where) for line, where in told if where), None)
        place = there.get(each.setting)
        if put is None or put[1] is None or place is None:
            by_hand = "; ".join([*each.statements, *each.option_lines])
            left.append(
                Done(
                    setting=each.setting,
                    where="",
                    before=each.now,
                    after=None,
                    outcome="by hand",
                    note=by_hand or each.why,
                )
            )
            continue
        statement, where = put[0].rstrip(";"), put[1]
        changes.append(
            Changed(
                setting=each.setting,
                where=where,
                before=place.at(where),
                after=_plain(statement.partition(" = ")[2]),
                put=statement,
                line="; ".join(line for line in each.option_lines if not line.startswith("[")),
                context=each.context,
            )
        )
    return tuple(changes), left


def _back_again(server: Server, record: Record, exc: StockopsError) -> StockopsError:
    """Take back what was done of `record`, and return what to say of it."""
    if isinstance(exc, ServerError) and exc.fault not in {Fault.LOST, Fault.UNKNOWN}:
        _revert(server, record, whatever=False)
        records.at(record, "reverted")
        return ServerError(
            f"nothing was changed: {exc}", fault=exc.fault, code=exc.code, hint=exc.hint
        )
    exc.hint = f"When it answers: stockops settings revert -t {record.target} {record.id}"
    return exc


def _where(statement: str) -> Where | None:
    return next((where for start, where in _PUT.items() if statement.startswith(start)), None)


def _back(change: Changed, place: Place, database: str) -> str:
    """Return the statement that puts back what stood there before."""
    if change.where == "global":
        before = change.before or ""
        value = before if place.form == "number" else words.mariadb(before)
        return f"SET GLOBAL {change.setting} = {value}"
    quoted = '"' + database.replace('"', '""') + '"'
    head = "ALTER SYSTEM" if change.where == "system" else f"ALTER DATABASE {quoted}"
    if change.before is None:
        return f"{head} RESET {change.setting}"
    parts = _elements(change.before) if place.form == "list" else [change.before]
    value = ", ".join(words.postgresql(each, "text") for each in parts)
    return f"{head} SET {change.setting} = {value}"


def _elements(text: str) -> list[str]:
    """Return the names of a list as PostgreSQL writes it: with commas, odd ones in quotes."""
    found = [
        each[1].replace('""', '"') if each[1] is not None else each[2].strip()
        for each in _ELEMENT.finditer(text)
    ]
    return [each for each in found if each] or [""]


def _plain(literal: str) -> str:
    """Return what a server will write down for `literal`."""
    inner = [each.replace("''", "'") for each in _LITERAL.findall(literal)]
    return ", ".join(inner) if inner else literal


def _places(server: Server, database: str) -> dict[str, Place]:
    return {each.name: each for each in server.fetch(PLACES, database=database)}


def _of_files(changes: Iterable[Changed]) -> bool:
    return any(each.where == "system" for each in changes)


def _reload(changes: Iterable[Changed]) -> list[Step]:
    return [Step(TELL, "the server reads what was written")] if _of_files(changes) else []


def _takes(change: Changed, of_line: str) -> str:
    """Return what a change needs besides, to be in force and to stay."""
    if change.where == "global":
        return f"{of_line}: {change.line}"
    return {"restart": "a restart is needed", "new sessions": "new sessions have it"}.get(
        change.context or "", ""
    )


def _said(value: str | None) -> str:
    return "not set there" if value is None else value or "(empty)"
