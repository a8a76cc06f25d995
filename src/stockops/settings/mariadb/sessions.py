"""
Sessions: memory, of which all of them together have 20 %, and how long one may keep others waiting.

A session is counted with 1 MB of its own and one of each buffer. A statement may take several, and
most take none.
"""

import math
from collections.abc import Callable

from ..rule import KIB, MIB, Judgement, Rule, View, down, fine, propose, within
from ..words import size
from . import buffers

SESSIONS_PART = 0.20
SESSION_BYTES = 1 * MIB
SESSION_BYTES_MIN = 3 * MIB
CONNECTIONS_MAX = 10_000
MERGES_HOURLY = 60
_UNIT = 16 * KIB
_VARIABLES = "MariaDB documentation, Server System Variables"
# How a session's memory, but for its own megabyte, is shared by its buffers.
SHARES = {
    "tmp_table_size": 0.5,
    "sort_buffer_size": 0.25,
    "join_buffer_size": 0.125,
    "read_rnd_buffer_size": 0.0625,
    "read_buffer_size": 0.0625,
}


def _room(view: View) -> float:
    """Return what a session has for its buffers if all connections are used."""
    return SESSIONS_PART * view.memory() / view.number("max_connections") - SESSION_BYTES


def _most(view: View, name: str) -> int:
    return down(SHARES[name] * _room(view), _UNIT)


def _connections(view: View) -> Judgement:
    now = view.number("max_connections")
    room = min(CONNECTIONS_MAX, int(SESSIONS_PART * view.memory() / SESSION_BYTES_MIN))
    if now > room:
        used = view.known("status.threads_connected") or 0
        pooler = f"; {used:.0f} are in use, put a pooler in front first" if used > room else ""
        return propose(room, f"memory carries {room} sessions of {size(SESSION_BYTES_MIN)}{pooler}")
    view.hourly("status.max_used_connections")
    used = view.state("status.max_used_connections")
    if used > 0.85 * now and now < room:
        return propose(min(room, math.ceil(used * 1.5)), f"{used:.0f} of {now:.0f} were in use")
    return fine(f"{used:.0f} of {now:.0f} were in use at most")


def _fits(name: str) -> Callable[[View], Judgement]:
    def judge(view: View) -> Judgement:
        now, most = view.number(name), _most(view, name)
        if now > most:
            return propose(most, f"every session may take {size(now)} of it at once")
        return fine("every session can have it")

    return judge


def _sort(view: View) -> Judgement:
    now, most = view.number("sort_buffer_size"), _most(view, "sort_buffer_size")
    if now > most:
        return propose(most, f"every session may take {size(now)} of it at once")
    merges = view.hourly("status.sort_merge_passes")
    wanted = min(most, 4 * MIB)
    if merges < MERGES_HOURLY or now >= wanted:
        return fine(f"{merges:,.0f} merges of sorts an hour")
    return propose(wanted, f"{merges:,.0f} merges of sorts an hour")


def _tmp_table(view: View) -> Judgement:
    now, most = view.number("tmp_table_size"), _most(view, "tmp_table_size")
    if now > most:
        return propose(most, f"every session may take {size(now)} of it at once")
    disk = view.hourly("status.created_tmp_disk_tables")
    share = disk / max(view.hourly("status.created_tmp_tables"), 1)
    wanted = min(most, 64 * MIB)
    if disk < 600 or share < 0.25 or now >= wanted:
        return fine(f"{share:.0%} of temporary tables are on disk")
    return propose(wanted, f"{share:.0%} of temporary tables are on disk, {disk:,.0f} an hour")


def _heap(view: View) -> Judgement:
    # A temporary table in memory is as large as the smaller of the two allows.
    now, wanted = view.number("max_heap_table_size"), max(view.number("tmp_table_size"), _UNIT)
    if now == wanted:
        return fine("it is the same as tmp_table_size")
    return propose(int(wanted), "the smaller of it and tmp_table_size is what counts")


def _wait(view: View) -> Judgement:
    now = view.number("wait_timeout")
    if now <= 3600:
        return fine("sessions that sleep for an hour end")
    asleep, connected = view.known("sessions.asleep_over_1h"), view.known("sessions.all")
    if asleep is not None and connected is not None and asleep > max(5, 0.2 * connected):
        return propose(
            3600, f"{asleep:.0f} of {connected:.0f} sessions have slept for over an hour"
        )
    if now > 28800:
        return propose(28800, "who is asleep for more than a working day is gone")
    view.state("sessions.asleep_over_1h")
    return fine(f"{asleep or 0:.0f} of {connected or 0:.0f} sessions have slept for over an hour")


def _buffer(name: str, title: str, effect: str, judge: Callable[[View], Judgement]) -> Rule:
    return Rule(
        setting=name,
        title=title,
        severity="risk",
        formula=f"at most {SHARES[name]:.2%} of (20 % of memory / max_connections - 1 MB)",
        source=f"{_VARIABLES}: {name}",
        effect=effect,
        judge=judge,
        claims=lambda view: view.number("max_connections") * view.number(name),
    )


BUFFERS = (
    Rule(
        setting="max_connections",
        title="All connections together fit into memory, and a seventh of them was always free.",
        severity="risk",
        formula="at most 20 % of memory / 3 MB, and 10,000; 1.5 x the most that were in use where"
        " that was 85 %",
        source="MariaDB documentation, Handling Too Many Connections",
        effect="no refused connection, no server killed for memory",
        judge=_connections,
        claims=lambda view: view.number("max_connections") * SESSION_BYTES,
    ),
    buffers.THREADS,
    _buffer(
        "tmp_table_size",
        "Temporary tables of all sessions fit into memory, and most stay there.",
        "created_tmp_disk_tables falls, or no server is killed for memory",
        _tmp_table,
    ),
    Rule(
        setting="max_heap_table_size",
        title="The two limits of temporary tables are one.",
        severity="hint",
        formula="tmp_table_size",
        source=f"{_VARIABLES}: tmp_table_size",
        effect="tmp_table_size means what it says",
        judge=_heap,
    ),
    _buffer(
        "sort_buffer_size",
        "Sorts of all sessions fit into memory, and few are merged from disk.",
        "sort_merge_passes falls, or no server is killed for memory",
        _sort,
    ),
    *(
        _buffer(
            name, "All sessions can have it at once.", "no server killed for memory", _fits(name)
        )
        for name in ("join_buffer_size", "read_rnd_buffer_size", "read_buffer_size")
    ),
)

LIMITS = (
    Rule(
        setting="wait_timeout",
        title="Sessions that nobody uses end.",
        severity="hint",
        formula="at most 8 h; 1 h where a fifth of sessions, and over 5, have slept for an hour",
        source=f"{_VARIABLES}: wait_timeout",
        effect="threads_connected falls; a pool must notice that a session ended",
        judge=_wait,
    ),
    Rule(
        setting="idle_transaction_timeout",
        title="A transaction that its client forgot ends.",
        severity="risk",
        formula="from 1 s to 1 h",
        source="MariaDB documentation, Transaction Timeouts",
        effect="locks of forgotten transactions are released; the history list stays short",
        judge=within(
            *("idle_transaction_timeout", 1, 3600),
            wanted=600,
            why="one forgotten transaction keeps its locks, and all old rows",
        ),
    ),
    Rule(
        setting="innodb_lock_wait_timeout",
        title="Nobody waits for a row for minutes.",
        severity="hint",
        formula="from 1 s to 50 s",
        source="MariaDB documentation, InnoDB Lock Modes",
        effect="a queue behind a lock dissolves; who waited has an error",
        judge=within(
            *("innodb_lock_wait_timeout", 1, 50), wanted=50, why="one lock holds up all others"
        ),
    ),
    Rule(
        setting="lock_wait_timeout",
        title="A change of a table does not hold up everybody for a day.",
        severity="risk",
        formula="from 1 s to 1 h",
        source="MariaDB documentation, Metadata Locking",
        effect="a change that cannot get its lock gives way",
        judge=within(
            *("lock_wait_timeout", 1, 3600),
            wanted=300,
            why="while a change waits for its lock, all others wait behind it",
        ),
    ),
    Rule(
        setting="max_statement_time",
        title="No statement runs for ever.",
        severity="hint",
        formula="above 0, to 1 day",
        source="MariaDB documentation, Aborting Statements that Exceed a Certain Time",
        effect="a statement that hangs ends; a report that is slower fails",
        judge=within(
            *("max_statement_time", 0.001, 86400), wanted=3600, why="a statement may run for ever"
        ),
    ),
    Rule(
        setting="max_allowed_packet",
        title="A large row or batch fits into a packet.",
        severity="hint",
        formula="16 MB or more",
        source=f"{_VARIABLES}: max_allowed_packet",
        effect="no lost connection for a large row, in a dump above all",
        judge=within(
            *("max_allowed_packet", 16 * MIB, 1e12), wanted=64 * MIB, why="large rows are refused"
        ),
    ),
)
