"""
The plan of a class, asked of a server with the parameters that its log has.

What runs a statement (ANALYZE) does so in a transaction that is rolled back, with a deadline.
Unless a write is wanted it is read-only: so the server itself refuses what would write, in
whatever function it hides.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

from .. import plans
from ..engine.base import Server
from ..errors import ConfigError, Fault, Refused, ServerError
from ..plans import Plan, questions
from ..plans.questions import Mode
from ..queries import Query
from ..statements import Dialect, classify
from . import planned, report
from .classes import Class, Sample
from .digest import Digest

READS = frozenset({"SELECT", "VALUES", "TABLE"})
WRITES = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE"})
_NAMED_MAX = 5
_HINT = "Its plan without running it: --no-analyze. To run it and roll it back: --roll-back-writes."


@dataclass(frozen=True, slots=True)
class Unsafe:
    """A table whose rows a ROLLBACK does not bring back, and its storage engine."""

    table: str
    storage: str


NO_ROLLBACK = Query("slow/tables_without_rollback", Unsafe)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """
    One statement to be explained.

    `values` are its parameters in their order, none where it has literals; None where it has
    parameters and nobody knows their values, so that only its generic plan can be asked for.
    """

    sql: str
    verb: str
    values: tuple[str | None, ...] | None = ()
    class_id: str = ""
    database: str = ""  # in which it ran, as the log says
    duration_ms: float | None = None  # how long it took then


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How a statement is explained."""

    analyze: bool = True
    writes: bool = False  # run what writes, too, and roll it back
    timeout_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A plan, what kind it is (custom, generic, or a name), and what the engine said of it."""

    kind: str
    plan: Plan
    original: Any


def find(digest: Digest, class_id: str) -> Class:
    """
    Return the class whose id is, or begins with, `class_id`.

    Raises `ConfigError` where there is none, or where there are several.
    """
    found = [each for each in digest.classes.values() if each.class_id.startswith(class_id)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise ConfigError(
            f"no class of these logs begins with {class_id!r}",
            hint="stockops slow digest FILE... names them.",
        )
    named = ", ".join(sorted(each.class_id for each in found)[:_NAMED_MAX])
    raise ConfigError(
        f"{len(found)} classes begin with {class_id!r}: {named}", hint="Give more of its digits."
    )


def dialect_of(digest: Digest) -> Dialect:
    """Return the dialect of the logs; raise `ConfigError` where they are of both engines."""
    dialects: set[Dialect] = {
        "postgresql" if each.startswith("postgresql") else "mariadb"
        for each in digest.formats.values()
    }
    if len(dialects) > 1:
        raise ConfigError(
            "these logs are of both engines, and a plan is of one",
            hint="Name the logs of one of them.",
        )
    return dialects.pop() if dialects else digest.dialect


def logged(each: Class) -> list[Explained]:
    """Return the plans that the log has of a class, in the order in which they came."""
    found = [
        Explained(
            kind=f"logged from {report.instant(one.seen.first_us or None) or '?'}",
            plan=plans.parse(one.seen.text, limited=planned.may_stop_early(each.text)),
            original=one.seen.text,
        )
        for one in planned.judged(each)
    ]
    if not found:
        raise ConfigError(
            f"the log has no plan of class {each.class_id}",
            hint="auto_explain logs them on PostgreSQL, log_slow_verbosity = 'explain' on MariaDB.",
        )
    return found


def asked_of(each: Class, *, dialect: Dialect) -> Asked:
    """
    Return the slowest execution of a class as a statement to be explained.

    Raises `ConfigError` where the log does not hold it whole.
    """
    if each.worst is None:
        raise ConfigError(
            f"the log has no execution of class {each.class_id}, only plans",
            hint="Show those: --logged",
        )
    asked = _asked(each.worst, each.class_id, dialect)
    if asked.verb in {"EXECUTE", "FETCH"}:
        raise ConfigError(
            f"class {each.class_id} is {asked.verb}: the log names no statement",
            hint="Write the statement into a file: --sql FILE",
        )
    return asked


def asked_for(sql: str, *, dialect: Dialect, where: str = "it") -> Asked:
    """Return `sql` as a statement to be explained; raise `ConfigError` where it is not just one."""
    statement = classify(sql, dialect=dialect)
    if not statement.text:
        raise ConfigError(f"there is no statement in {where}", hint="Write one, and only one.")
    if statement.cut:
        raise ConfigError(
            f"the statement of {where} is cut off: a string, a name or a comment does not end",
            hint="Log whole statements (csvlog or jsonlog, not syslog), or give it: --sql FILE",
        )
    if ";" in statement.text:
        raise ConfigError(
            f"{where} has several statements, and a plan is of one",
            hint="Write the one that is slow into a file: --sql FILE",
        )
    if dialect == "mariadb" or not questions.placeholders(sql):
        return Asked(sql=_bare(sql), verb=statement.verb, class_id=statement.class_id)
    return Asked(sql=_bare(sql), verb=statement.verb, class_id=statement.class_id, values=None)


def explain(server: Server, asked: Asked, how: How) -> list[Explained]:
    """
    Return the plans of `asked`: of one with parameters on PostgreSQL the custom and the generic.

    Without values only the generic one is made, and nothing is run. Raises `Refused` where the
    statement writes and that is not wanted, or where it could not be rolled back.
    """
    _check(server, asked, how)
    try:
        with _rolled_back(server, how, read_only=_read_only(asked, how)):
            return _plans(server, asked, how)
    except ServerError as exc:
        raise _said(exc, how) from exc


def _plans(server: Server, asked: Asked, how: How) -> list[Explained]:
    if server.engine == "mariadb" or asked.values == ():
        sql = questions.explain(server.engine, asked.sql, analyze=how.analyze)
        return [_explained("custom", server.rows(sql), asked)]
    server.execute(questions.prepare(asked.sql))
    if asked.values is None:
        nothing = (None,) * questions.placeholders(asked.sql)
        return [_prepared(server, "generic", asked, nothing, analyze=False)]
    modes: tuple[Mode, ...] = ("custom", "generic")
    return [_prepared(server, mode, asked, asked.values, analyze=how.analyze) for mode in modes]


def _asked(worst: Sample, class_id: str, dialect: Dialect) -> Asked:
    asked = asked_for(worst.sql, dialect=dialect, where=f"class {class_id}")
    values = asked.values
    if values is None and worst.parameters:
        found = questions.parameters(worst.parameters)
        if found is not None and len(found) >= questions.placeholders(asked.sql):
            values = tuple(found)
    return Asked(
        sql=asked.sql,
        verb=asked.verb,
        values=values,
        class_id=class_id,
        database=worst.database,
        duration_ms=worst.duration_us / 1000,
    )


def _bare(sql: str) -> str:
    return sql.strip().rstrip(";").rstrip()


def _check(server: Server, asked: Asked, how: How) -> None:
    """Refuse what cannot be explained, and what writes where that is not wanted."""
    if asked.verb not in READS | WRITES:
        raise ConfigError(
            f"{asked.verb or 'this'} has no plan: only "
            f"{', '.join(sorted(READS | WRITES))} have one",
            hint="Choose another statement; stockops slow digest FILE... names the classes.",
        )
    if not how.analyze or asked.verb not in WRITES:
        return
    if not how.writes:
        raise Refused(
            f"{asked.verb} writes, and to analyze it is to run it",
            hint=_HINT,
        )
    if server.engine == "mariadb" and (unsafe := server.fetch(NO_ROLLBACK)):
        raise Refused(
            f"{unsafe[0].table} is a table of {unsafe[0].storage}, which cannot be rolled back"
            + (f"; {len(unsafe) - 1:,} more" if len(unsafe) > 1 else ""),
            hint="Ask for the plan without running it: --no-analyze",
        )


def _read_only(asked: Asked, how: How) -> bool:
    """Tell whether the server may refuse what writes: MariaDB refuses even to explain it then."""
    return not how.writes and (how.analyze or asked.verb in READS)


class _Over(Exception):
    """How a transaction ends that is not to stay."""


@contextmanager
def _rolled_back(server: Server, how: How, *, read_only: bool) -> Iterator[None]:
    """Give a transaction with a deadline that leaves nothing behind."""
    deadline = (
        f"SET SESSION max_statement_time = {max(0.001, how.timeout_s):.3f}"
        if server.engine == "mariadb"
        else f"SET statement_timeout = {max(1, round(how.timeout_s * 1000))}"
    )
    server.execute(deadline)
    with suppress(_Over), server.transaction(read_only=read_only):
        yield
        raise _Over


def _said(exc: ServerError, how: How) -> Exception:
    if exc.fault is Fault.READ_ONLY and not how.analyze:
        return Refused(
            f"MariaDB does not explain in a read-only transaction what may write: {exc}",
            hint="In one that is rolled back: --no-analyze --roll-back-writes",
        )
    if exc.fault is Fault.READ_ONLY:
        return Refused(f"the statement writes, and to analyze it is to run it: {exc}", hint=_HINT)
    if exc.code in {"57014", "1969"}:
        return ServerError(
            f"it was not done within {how.timeout_s:g} s, and was stopped",
            fault=exc.fault,
            code=exc.code,
            hint="Give it longer: --timeout SECONDS; or ask for the plan alone: --no-analyze",
        )
    return exc


def _prepared(
    server: Server, mode: Mode, asked: Asked, values: Sequence[str | None], *, analyze: bool
) -> Explained:
    server.execute(questions.plan_mode(mode))
    rows = server.rows(questions.explain_prepared(values, analyze=analyze))
    return _explained(mode, rows, asked)


def _explained(kind: str, rows: Sequence[dict[str, Any]], asked: Asked) -> Explained:
    [said] = rows[0].values()
    original = plans.loads(said) if isinstance(said, str) else said
    plan = plans.parse(original, limited=planned.may_stop_early(asked.sql))
    # What was set to get this very plan is no peculiarity of the server.
    told = {name: value for name, value in plan.settings.items() if name != questions.MODE_SETTING}
    plan = replace(plan, settings=told)
    return Explained(kind=kind, plan=plan, original=original)
