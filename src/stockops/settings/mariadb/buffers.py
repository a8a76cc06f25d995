"""
Memory of the whole server: together at most three quarters of the machine.

At most 65 % are InnoDB's buffer pool, 5 % performance_schema, 5 % all other caches; sessions have
20 % (see `sessions`). A twentieth is left to the system, which caches little: InnoDB reads past it.
"""

from collections.abc import Callable

from ..facts import Facts, Value
from ..rule import KIB, MIB, Judgement, Rule, View, down, fine, propose
from ..words import size

POOL_MAX, POOL_USUAL, POOL_MIN = 0.65, 0.60, 0.35
SCHEMA_PART = 0.05
SCHEMA_BYTES = 200 * MIB  # 98 MB with 200 connections, on 10.11
KEY_PART, ARIA_PART, LOG_PART = 0.015, 0.02, 0.01
CACHE_BYTES = 1 * MIB
TABLES_MAX = 100_000
READS_HOURLY = 36_000
_POOL = "MariaDB documentation, InnoDB Buffer Pool"
_CACHE = "MariaDB documentation, Query Cache"


def _pool(view: View) -> Judgement:
    now, memory = view.number("innodb_buffer_pool_size"), view.memory()
    if now > POOL_MAX * memory:
        usual = down(POOL_USUAL * memory, 8 * MIB)
        return propose(usual, f"more than {POOL_MAX:.0%} of memory leaves too little to sessions")
    if now >= POOL_MIN * memory:
        return fine("it is a usual share of memory")
    data = view.state("size.bytes")
    if now >= 1.1 * data:
        return fine(f"all data, {size(data)}, fit")
    read = view.hourly("status.innodb_buffer_pool_reads")
    if read < READS_HOURLY:
        return fine(f"what is in use fits: {read:,.0f} pages an hour are read")
    wanted = down(min(POOL_USUAL * memory, max(128 * MIB, 1.5 * data)), 8 * MIB)
    return propose(wanted, f"{read:,.0f} pages an hour are read, {size(data)} share {size(now)}")


def _at_most(name: str, part: float, unit: int) -> Callable[[View], Judgement]:
    def judge(view: View) -> Judgement:
        now, most = view.number(name), down(part * view.memory(), unit)
        if now > most:
            return propose(most, "InnoDB has no use for it, and memory has")
        return fine("it is a small share of memory")

    return judge


def _query_cache(view: View) -> Judgement:
    if view.text("query_cache_type") == "false":
        return fine("it is off")
    return propose(False, "every write empties what it touches, and one mutex guards all of it")


def _no_query_cache(_facts: Facts, _value: Value) -> tuple[str, ...]:
    # A size in the file turns the cache on at the start, whatever the type says (10.11).
    return ("query_cache_type = OFF", "query_cache_size = 0")


def _query_cache_size(view: View) -> Judgement:
    now = view.number("query_cache_size")
    if now <= CACHE_BYTES:
        return fine("it is hardly any memory")
    return propose(0, "a cache that is off needs no memory")


def _schema(view: View) -> Judgement:
    room = SCHEMA_PART * view.memory()
    if view.flag("performance_schema"):
        if room < SCHEMA_BYTES / 2:
            return propose(
                False, f"it takes about {size(SCHEMA_BYTES / 2)} of {size(view.memory())}"
            )
        return fine("waits and statements are counted")
    if room < SCHEMA_BYTES:
        return fine(f"it is off, and takes about {size(SCHEMA_BYTES)} that this machine needs")
    return propose(True, "nobody counts what statements wait for")


def _log_buffer(view: View) -> Judgement:
    now = view.number("innodb_log_buffer_size")
    most = down(LOG_PART * view.memory(), 64 * KIB)
    if now > most:
        return propose(most, "a commit writes it out: what is not used is wasted")
    wanted = min(64 * MIB, most)
    waits = view.hourly("status.innodb_log_waits")
    if waits < 1 or now >= wanted:
        return fine(f"{waits:.1f} waits for it an hour")
    return propose(wanted, f"{waits:,.0f} waits for it an hour")


def _table_cache(view: View) -> Judgement:
    now, opened = view.number("table_open_cache"), view.hourly("status.opened_tables")
    held = view.state("status.open_tables")
    if opened < 600 or held < 0.95 * now or now >= TABLES_MAX:
        return fine(f"{opened:,.0f} tables an hour are opened, {held:,.0f} are open")
    wanted = int(min(2 * held, TABLES_MAX))
    return propose(wanted, f"it is full, and {opened:,.0f} tables an hour are opened")


def _thread_cache(view: View) -> Judgement:
    now, created = view.number("thread_cache_size"), view.hourly("status.threads_created")
    wanted = min(256, int(view.number("max_connections")))
    if created < 600 or now >= wanted:
        return fine(f"{created:,.0f} threads an hour are made")
    return propose(wanted, f"{created:,.0f} threads an hour are made, and thrown away")


RULES = (
    Rule(
        setting="innodb_buffer_pool_size",
        title="InnoDB's buffer pool holds the data, or a fair share of memory.",
        severity="waste",
        formula="60 % of memory, at most 1.5 x the data; judged above 65 %, and below 35 % where"
        " the data do not fit and 36,000 pages an hour are read",
        source=_POOL,
        effect="innodb_buffer_pool_reads falls",
        judge=_pool,
        claims=lambda view: view.number("innodb_buffer_pool_size"),
    ),
    Rule(
        setting="key_buffer_size",
        title="MyISAM's cache takes no memory from InnoDB.",
        severity="waste",
        formula="at most 1.5 % of memory",
        source="MariaDB documentation, Optimizing key_buffer_size",
        effect="memory for others",
        judge=_at_most("key_buffer_size", KEY_PART, 64 * KIB),
        claims=lambda view: view.number("key_buffer_size"),
    ),
    Rule(
        setting="aria_pagecache_buffer_size",
        title="Aria's cache holds temporary tables, and takes no memory from InnoDB.",
        severity="waste",
        formula="at most 2 % of memory",
        source="MariaDB documentation, Aria System Variables",
        effect="memory for others",
        judge=_at_most("aria_pagecache_buffer_size", ARIA_PART, 64 * KIB),
        claims=lambda view: view.number("aria_pagecache_buffer_size"),
    ),
    Rule(
        setting="query_cache_type",
        title="The query cache is off.",
        severity="waste",
        formula="OFF",
        source=_CACHE,
        effect="less waiting for one mutex; identical reads are run again",
        judge=_query_cache,
        line=_no_query_cache,
    ),
    Rule(
        setting="query_cache_size",
        title="The query cache has no memory to speak of.",
        severity="waste",
        formula="0, where it is above the usual 1 MB",
        source=_CACHE,
        effect="memory for others",
        judge=_query_cache_size,
        claims=lambda view: view.number("query_cache_size"),
    ),
    Rule(
        setting="innodb_log_buffer_size",
        title="Nobody waits for room in the redo log's buffer.",
        severity="hint",
        formula="at most 1 % of memory; 64 MB where one commit an hour waits",
        source="MariaDB documentation, InnoDB Redo Log",
        effect="innodb_log_waits falls",
        judge=_log_buffer,
        claims=lambda view: view.number("innodb_log_buffer_size"),
    ),
    Rule(
        setting="performance_schema",
        title="Waits and statements are counted, where there is memory for it.",
        severity="hint",
        formula="ON from 4 GB of memory, OFF below 2 GB",
        source="MariaDB documentation, Performance Schema Overview",
        effect="calls, time and waits by statement; some CPU",
        judge=_schema,
        claims=lambda view: (
            view.flag("performance_schema") * min(SCHEMA_BYTES, SCHEMA_PART * view.memory())
        ),
    ),
    Rule(
        setting="table_open_cache",
        title="Open tables stay open.",
        severity="hint",
        formula="twice what is open, to 100,000, where it is 95 % full and 600 an hour are opened",
        source="MariaDB documentation, Optimizing table_open_cache",
        effect="opened_tables falls; twice as many files may be open",
        judge=_table_cache,
    ),
    Rule(
        setting="innodb_buffer_pool_dump_at_shutdown",
        title="A restart begins with a warm buffer pool.",
        severity="hint",
        formula="ON",
        source=_POOL,
        effect="the first minutes after a restart are no slower",
        judge=lambda view: (
            fine("it is on")
            if view.flag("innodb_buffer_pool_dump_at_shutdown")
            else propose(True, "after a restart every page is read again, one at a time")
        ),
    ),
)

THREADS = Rule(
    setting="thread_cache_size",
    title="Threads are used again.",
    severity="hint",
    formula="max_connections, at most 256, where 600 threads an hour are made",
    source="MariaDB documentation, Server System Variables: thread_cache_size",
    effect="threads_created falls",
    judge=_thread_cache,
)
