"""How long a session may keep others waiting, and how it gets in."""

from collections.abc import Callable

from ..facts import Facts, Value
from ..rule import Judgement, Rule, View, among, fine, propose, within
from ..words import postgresql

_CLIENT = "PostgreSQL manual, Client Connection Defaults: Statement Behavior"


def _in_database(name: str) -> Callable[[Facts, Value], tuple[str, ...]]:
    """Return what sets `name` for one database; the manual advises against the whole server."""

    def statement(facts: Facts, value: Value) -> tuple[str, ...]:
        quoted = facts.database.replace('"', '""')
        literal = postgresql(value, facts.settings[name].kind)
        return (f'ALTER DATABASE "{quoted}" SET {name} = {literal};',)

    return statement


def _idle(view: View) -> Judgement:
    now = view.number("idle_in_transaction_session_timeout")
    if 0 < now <= 3600:
        return fine("it is limited")
    return propose(600.0, "one forgotten transaction keeps its locks, and all dead rows")


RULES = (
    Rule(
        setting="statement_timeout",
        title="No statement runs for ever.",
        severity="hint",
        formula="1 ms to 1 day, set for the database",
        source=_CLIENT,
        effect="a statement that hangs ends; a report that is slower fails",
        judge=within(
            "statement_timeout", 0.001, 86400, wanted=3600.0, why="a statement may run for ever"
        ),
        statement=_in_database("statement_timeout"),
        context="new sessions",
    ),
    Rule(
        setting="lock_timeout",
        title="Nobody waits for a lock for ever.",
        severity="hint",
        formula="1 ms to 5 min, set for the database",
        source=_CLIENT,
        effect="a queue behind a lock dissolves; who waited has an error",
        judge=within(
            "lock_timeout", 0.001, 300, wanted=30.0, why="one lock may hold up all others"
        ),
        statement=_in_database("lock_timeout"),
        context="new sessions",
    ),
    Rule(
        setting="idle_in_transaction_session_timeout",
        title="A transaction that its client forgot ends.",
        severity="risk",
        formula="1 ms to 1 h",
        source=_CLIENT,
        effect="sessions.longest_idle_in_transaction_s is bounded",
        judge=_idle,
    ),
    Rule(
        setting="tcp_keepalives_idle",
        title="A client that is gone is noticed within minutes.",
        severity="hint",
        formula="1 s to 10 min",
        source="PostgreSQL manual, Connections and Authentication: TCP Settings",
        effect="locks of clients that are gone are released sooner",
        judge=within(
            *("tcp_keepalives_idle", 1, 600),
            wanted=60.0,
            why="the system asks after two hours, and locks stay until then",
        ),
    ),
    Rule(
        setting="password_encryption",
        title="Passwords are stored in a form that cannot be replayed.",
        severity="risk",
        formula="scram-sha-256",
        source="PostgreSQL manual, Password Authentication",
        effect="passwords set from now on; set the old ones again",
        judge=among(
            "password_encryption",
            wanted="scram-sha-256",
            why="an md5 hash is as good as a password",
        ),
    ),
)
