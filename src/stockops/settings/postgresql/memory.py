"""
Memory: three parts of the machine that together leave a tenth of it to the system.

At most 35 % are shared buffers, 40 % are for sessions, 15 % for vacuum and the building of indexes.
A session is counted with one sort or hash table at a time, its temporary tables, and 2 MB of its
own: a plan may take more, which is why the parts leave room.
"""

import math

from ..rule import GIB, KIB, MIB, Judgement, Rule, View, down, fine, propose, up, within
from ..words import size

SHARED_MAX, SHARED_USUAL, SHARED_MIN = 0.35, 0.25, 0.15
SESSIONS_PART, UPKEEP_PART = 0.40, 0.15
SESSION_BYTES = 2 * MIB
SESSION_BYTES_MIN = 4 * MIB
CONNECTIONS_MAX = 5000
TEMP_BUFFERS_MIN = 800 * KIB
SPILLS_HOURLY = 10
READS_HOURLY = 36_000
WORKERS_MAX = 16
_MANUAL = "PostgreSQL manual, Resource Consumption: Memory"


def _session(view: View) -> float:
    return SESSIONS_PART * view.memory() / view.number("max_connections")


def _shared(view: View) -> Judgement:
    now, memory = view.number("shared_buffers"), view.memory()
    if now > SHARED_MAX * memory:
        usual = down(SHARED_USUAL * memory, MIB)
        return propose(usual, f"more than {SHARED_MAX:.0%} of memory leaves too little to others")
    if now >= SHARED_MIN * memory:
        return fine("it is a usual share of memory")
    data = view.state("size.bytes")
    if now >= 1.1 * data:
        return fine(f"all data, {size(data)}, fit")
    read = view.hourly("databases.blocks_read")
    if read < READS_HOURLY:
        return fine(f"what is in use fits: {read:,.0f} blocks an hour are read")
    wanted = down(min(SHARED_USUAL * memory, max(128 * MIB, 1.5 * data)), MIB)
    return propose(wanted, f"{read:,.0f} blocks an hour are read, {size(data)} share {size(now)}")


def _connections(view: View) -> Judgement:
    now = view.number("max_connections")
    room = min(CONNECTIONS_MAX, int(SESSIONS_PART * view.memory() / SESSION_BYTES_MIN))
    if now > room:
        used = view.known("databases.backends") or 0
        pooler = f"; {used:.0f} are in use, put a pooler in front first" if used > room else ""
        return propose(room, f"memory carries {room} sessions of {size(SESSION_BYTES_MIN)}{pooler}")
    used = view.state("databases.backends")
    if used > 0.8 * now and now < room:
        return propose(min(room, math.ceil(used * 1.5)), f"{used:.0f} of {now:.0f} are in use now")
    return fine(f"{used:.0f} of {now:.0f} are in use now")


def _temp_buffers(view: View) -> Judgement:
    now = view.number("temp_buffers")
    most = down(max(TEMP_BUFFERS_MIN, (_session(view) - SESSION_BYTES) / 4), 8 * KIB)
    if now > most:
        return propose(most, f"every session may take {size(now)} for temporary tables")
    return fine("every session can have it")


def _work_mem(view: View) -> Judgement:
    now, session = view.number("work_mem"), _session(view)
    own = SESSION_BYTES + view.number("temp_buffers")
    most = down((session - own) / view.number("hash_mem_multiplier"), 64 * KIB)
    if now > most:
        return propose(most, f"a session has {size(session)} if all connections are used")
    spills = view.hourly("databases.temp_files")
    if spills < SPILLS_HOURLY:
        return fine(f"{spills:.1f} temporary files an hour")
    spilled = view.state("databases.temp_bytes") / max(view.state("databases.temp_files"), 1)
    wanted = min(most, 256 * MIB, up(3 * spilled, 64 * KIB))
    if now < wanted:
        return propose(wanted, f"{spills:,.0f} temporary files an hour, {size(spilled)} each")
    return fine("what spills is too large for the memory of a session")


def _autovacuum_work_mem(view: View) -> Judgement:
    now, workers = view.number("autovacuum_work_mem"), view.number("autovacuum_max_workers")
    if now < 0:
        return fine("it follows maintenance_work_mem")
    most = down(UPKEEP_PART * view.memory() / 2 / workers, 64 * KIB)
    if now > most:
        return propose(most, f"{workers:.0f} workers may take it at once")
    return fine("all workers can have it at once")


def _maintenance(view: View) -> Judgement:
    now, part = view.number("maintenance_work_mem"), UPKEEP_PART * view.memory()
    follow = view.number("autovacuum_work_mem") < 0
    takers = 1 + view.number("autovacuum_max_workers") if follow else 2
    most = down(part / takers, 64 * KIB)
    wanted = min(most, GIB)
    if now > most:
        return propose(wanted, f"{takers:.0f} may take it at once, and {size(part)} are for them")
    if now < wanted / 4 and now < view.state("size.bytes") / 4:
        return propose(wanted, "indexes are built and tables vacuumed in more passes than needed")
    return fine("it is a usual share of memory")


def _cache(view: View) -> Judgement:
    now, memory = view.number("effective_cache_size"), view.memory()
    if 0.5 * memory <= now <= 0.9 * memory:
        return fine("it is what the system can cache")
    wanted = down(0.75 * memory, MIB)
    if now > 0.9 * memory:
        return propose(wanted, "plans are made for a cache that is not there")
    if now >= view.state("size.bytes"):
        return fine("all data fit into it")
    return propose(wanted, "plans are made for a smaller cache than there is")


def _workers(view: View) -> Judgement:
    # Where CPUs are not known, memory still has to be enough for all workers.
    cpus = WORKERS_MAX if view.facts.machine.cpus is None else view.cpus()
    most = max(5, min(WORKERS_MAX, cpus))
    if view.number("autovacuum_max_workers") > most:
        return propose(most, "more workers than CPUs share one cost limit, and memory")
    why = "one large table keeps others waiting"
    return within("autovacuum_max_workers", 3, most, wanted=3, why=why)(view)


RULES = (
    Rule(
        setting="shared_buffers",
        title="Shared buffers hold the data, or a fair share of memory.",
        severity="waste",
        formula="25 % of memory, at most 1.5 x the data; judged above 35 %, and below 15 % where"
        " the data do not fit and 36,000 blocks an hour are read",
        source=_MANUAL,
        effect="the share of blocks_hit rises",
        judge=_shared,
        claims=lambda view: view.number("shared_buffers"),
    ),
    Rule(
        setting="superuser_reserved_connections",
        title="A superuser gets in when all connections are taken.",
        severity="risk",
        formula="from 3 to 10",
        source="PostgreSQL manual, Connections and Authentication: Connection Settings",
        effect="an operator can connect in the worst hour",
        judge=within(
            "superuser_reserved_connections", 3, 10, wanted=3, why="too few, or taken from users"
        ),
    ),
    Rule(
        setting="max_connections",
        title="All connections together fit into memory, and a fifth of them is free.",
        severity="risk",
        formula="at most 40 % of memory / 4 MB, and 5000; 1.5 x those in use where 80 % are",
        source="PostgreSQL manual, Connections and Authentication: Connection Settings",
        effect="no refused connection, no server killed for memory",
        judge=_connections,
        claims=lambda view: view.number("max_connections") * SESSION_BYTES,
    ),
    Rule(
        setting="temp_buffers",
        title="Temporary tables of all sessions fit into memory.",
        severity="risk",
        formula="at most a quarter of (40 % of memory / max_connections - 2 MB)",
        source=_MANUAL,
        effect="no server killed for memory",
        judge=_temp_buffers,
        claims=lambda view: view.number("max_connections") * view.number("temp_buffers"),
    ),
    Rule(
        setting="hash_mem_multiplier",
        title="A hash table may take up to four times work_mem.",
        severity="risk",
        formula="from 1 to 4",
        source=_MANUAL,
        effect="no server killed for memory",
        judge=within(
            "hash_mem_multiplier", 1, 4, wanted=2.0, why="one hash table may take many work_mem"
        ),
    ),
    Rule(
        setting="work_mem",
        title="Sorts and hashes of all sessions fit into memory, and few of them spill.",
        severity="risk",
        formula="at most (40 % of memory / max_connections - 2 MB - temp_buffers) /"
        " hash_mem_multiplier; 3 x a temporary file where 10 an hour are written",
        source=_MANUAL,
        effect="temp_bytes falls, or no server is killed for memory",
        judge=_work_mem,
        claims=lambda view: (
            view.number("max_connections")
            * view.number("work_mem")
            * view.number("hash_mem_multiplier")
        ),
    ),
    Rule(
        setting="autovacuum_max_workers",
        title="There are some workers of autovacuum, and no more than CPUs.",
        severity="hint",
        formula="from 3 to the CPUs, which count as 5 to 16",
        source="PostgreSQL manual, Vacuuming: Automatic Vacuuming",
        effect="dead_share falls",
        judge=_workers,
    ),
    Rule(
        setting="autovacuum_work_mem",
        title="All workers of autovacuum fit into memory.",
        severity="risk",
        formula="at most 7.5 % of memory / autovacuum_max_workers",
        source=_MANUAL,
        effect="no server killed for memory",
        judge=_autovacuum_work_mem,
        claims=lambda view: (
            max(view.number("autovacuum_work_mem"), 0) * view.number("autovacuum_max_workers")
        ),
    ),
    Rule(
        setting="maintenance_work_mem",
        title="Vacuum and the building of indexes have memory, and fit into it.",
        severity="hint",
        formula="15 % of memory / those who may take it at once, at most 1 GB; judged above that,"
        " and below a quarter of it and of the data",
        source=_MANUAL,
        effect="CREATE INDEX and VACUUM take less time",
        judge=_maintenance,
        claims=lambda view: (
            view.number("maintenance_work_mem")
            * (1 + (view.number("autovacuum_work_mem") < 0) * view.number("autovacuum_max_workers"))
        ),
    ),
    Rule(
        setting="effective_cache_size",
        title="The planner knows how much the system can cache.",
        severity="hint",
        formula="75 % of memory; judged above 90 %, and below 50 % and the data",
        source="PostgreSQL manual, Query Planning: Planner Cost Constants",
        effect="more plans by index, or fewer that wait for a disk",
        judge=_cache,
    ),
)
