"""What the server says of itself, and what waits for its restart."""

from ..facts import PENDING, Facts, Missing, Value
from ..rule import MIB, CannotJudge, Judgement, Rule, View, among, fine, propose, switched, within

_WHAT = "PostgreSQL manual, Error Reporting and Logging: What to Log"
_WHEN = "PostgreSQL manual, Error Reporting and Logging: When to Log"
_STATISTICS = "PostgreSQL manual, Run-time Statistics"
PREFIX = "%m [%p] %q%u@%d %a "


def _prefix(view: View) -> Judgement:
    now = str(view.setting("log_line_prefix").value)
    timed = any(mark in now for mark in ("%t", "%m", "%n"))
    lacks = [mark for mark in ("%p", "%u", "%d") if mark not in now]
    if timed and not lacks:
        return fine("a line says when, which process, who and where")
    return propose(PREFIX, "a line does not say when, which process, who or where")


def _zone(view: View) -> Judgement:
    now, zone = view.setting("log_timezone").value, view.setting("TimeZone").value
    if now == zone:
        return fine("the log and the sessions have one clock")
    return propose(zone, f"the log is in {now}, and sessions are in {zone}")


def _preload(view: View) -> Judgement:
    now = str(view.setting("shared_preload_libraries").value)
    loaded = [part.strip() for part in now.split(",") if part.strip()]
    if "pg_stat_statements" in loaded:
        return fine("it is loaded")
    if not view.state("extensions.pg_stat_statements"):
        missing = "pg_stat_statements is not installed on the server"
        raise CannotJudge(Missing(missing, "Add the server's contrib package, then ask again."))
    return propose(", ".join([*loaded, "pg_stat_statements"]), "nobody counts what statements cost")


def _pending(view: View) -> Judgement:
    waiting = view.number(PENDING)
    if not waiting:
        return fine("no setting waits for a restart")
    return propose(0, f"{waiting:.0f} settings wait: {view.setting(PENDING).source}")


def _restart(_facts: Facts, _value: Value) -> tuple[str, ...]:
    return ("-- restart the server",)


RULES = (
    Rule(
        setting="log_min_duration_statement",
        title="Slow statements are in the log.",
        severity="hint",
        formula="from 0 to 10 s",
        source=_WHEN,
        effect="slow statements can be looked up",
        judge=within(
            "log_min_duration_statement", 0, 10, wanted=1.0, why="slow statements leave no trace"
        ),
    ),
    Rule(
        setting="log_lock_waits",
        title="Long waits for locks are in the log.",
        severity="hint",
        formula="on",
        source=_WHAT,
        effect="who waited for whom can be looked up",
        judge=switched("log_lock_waits", True, "nobody knows afterwards who waited for whom"),
    ),
    Rule(
        setting="log_checkpoints",
        title="Checkpoints are in the log.",
        severity="hint",
        formula="on",
        source=_WHAT,
        effect="how long checkpoints took can be looked up",
        judge=switched("log_checkpoints", True, "a stall cannot be told from a checkpoint"),
    ),
    Rule(
        setting="log_autovacuum_min_duration",
        title="Long vacuums are in the log.",
        severity="hint",
        formula="from 0 to 10 min",
        source=_WHAT,
        effect="how long vacuums took can be looked up",
        judge=within(
            "log_autovacuum_min_duration", 0, 600, wanted=60.0, why="long vacuums leave no trace"
        ),
    ),
    Rule(
        setting="log_temp_files",
        title="Large temporary files are in the log.",
        severity="hint",
        formula="from 0 to 1 GB",
        source=_WHAT,
        effect="which statements spill can be looked up",
        judge=within(
            "log_temp_files", 0, 1024 * MIB, wanted=16 * MIB, why="what spills leaves no trace"
        ),
    ),
    Rule(
        setting="log_line_prefix",
        title="A line of the log says when, which process, who and where.",
        severity="hint",
        formula="with %m, %t or %n, and %p, %u, %d",
        source=_WHAT,
        effect="lines can be put together by session",
        judge=_prefix,
    ),
    Rule(
        setting="log_timezone",
        title="The log and the sessions have one clock.",
        severity="hint",
        formula="the same as TimeZone",
        source=_WHAT,
        effect="times in the log are times in the tables",
        judge=_zone,
    ),
    Rule(
        setting="track_io_timing",
        title="Time spent on reading is counted.",
        severity="hint",
        formula="on",
        source=_STATISTICS,
        effect="EXPLAIN and statistics show time of the disk; some cost where clocks are slow",
        judge=switched("track_io_timing", True, "slow disks cannot be told from slow plans"),
    ),
    Rule(
        setting="compute_query_id",
        title="Statements have a number in the log and in statistics.",
        severity="hint",
        formula="on, auto or regress",
        source=_STATISTICS,
        effect="a line of the log can be found in pg_stat_statements",
        judge=among(
            "compute_query_id", "on", "regress", wanted="auto", why="statements are not counted"
        ),
    ),
    Rule(
        setting="shared_preload_libraries",
        title="Statements are counted by pg_stat_statements.",
        severity="hint",
        formula="what is there, and pg_stat_statements",
        source="PostgreSQL manual, Additional Supplied Modules: pg_stat_statements",
        effect="calls and time by statement; CREATE EXTENSION in each database that reads them",
        judge=_preload,
    ),
    Rule(
        setting=PENDING,
        title="What is written in files is what the server runs with.",
        severity="risk",
        formula="none",
        source="PostgreSQL manual, pg_settings: pending_restart",
        effect="the next restart changes nothing unawares",
        judge=_pending,
        statement=_restart,
    ),
)
