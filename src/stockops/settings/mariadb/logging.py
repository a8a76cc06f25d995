"""What the server says of itself, and what its next start would forget."""

from ..facts import UNSAVED, Facts, Value
from ..rule import Judgement, Rule, View, fine, propose, switched, within
from ..words import option

# Variables whose option has another name: by its own, the server would not start (10.11).
_OPTIONS = {
    "time_zone": "default_time_zone",
    "tx_isolation": "transaction_isolation",
    "tx_read_only": "transaction_read_only",
}
_SLOW = "MariaDB documentation, Slow Query Log Overview"


def _verbosity(view: View) -> Judgement:
    now = str(view.setting("log_slow_verbosity").value)
    words = [word.strip() for word in now.split(",") if word.strip()]
    if {"full"} & set(words) or {"query_plan", "explain"} <= set(words):
        return fine("a slow statement is logged with its plan")
    kept = [word for word in words if word not in {"query_plan", "explain"}]
    return propose(",".join([*kept, "query_plan", "explain"]), "a slow statement has no plan")


def _unsaved(view: View) -> Judgement:
    count = view.number(UNSAVED)
    if not count:
        return fine("all settings are those of files, or the server's own")
    return propose(0, f"{count:.0f} are gone at the next start: {view.setting(UNSAVED).source}")


def _lines(facts: Facts, _value: Value) -> tuple[str, ...]:
    lines = []
    for name in facts.settings[UNSAVED].source.split(", "):
        if name not in facts.settings:
            continue
        setting, called = facts.settings[name], _OPTIONS.get(name, name)
        if setting.is_option or called != name:
            lines.append(f"{called} = {option(setting.value)}")
        else:
            lines.append(f"# {name} is no option: set it in the file that init_file names")
    return tuple(lines)


RULES = (
    Rule(
        setting="slow_query_log",
        title="Slow statements are in a log.",
        severity="hint",
        formula="ON",
        source=_SLOW,
        effect="slow statements can be looked up",
        judge=switched("slow_query_log", True, "slow statements leave no trace"),
    ),
    Rule(
        setting="long_query_time",
        title="A statement is slow from a second on.",
        severity="hint",
        formula="from 0 to 2 s",
        source=_SLOW,
        effect="slow statements can be looked up",
        judge=within(
            "long_query_time", 0, 2, wanted=1.0, why="most slow statements leave no trace"
        ),
    ),
    Rule(
        setting="log_slow_verbosity",
        title="A slow statement is logged with its plan.",
        severity="hint",
        formula="with query_plan and explain",
        source="MariaDB documentation, EXPLAIN in the Slow Query Log",
        effect="why a statement was slow can be looked up",
        judge=_verbosity,
    ),
    Rule(
        setting="innodb_print_all_deadlocks",
        title="Deadlocks are in the log, all of them.",
        severity="hint",
        formula="ON",
        source="MariaDB documentation, InnoDB System Variables",
        effect="who met whom in a deadlock can be looked up",
        judge=switched("innodb_print_all_deadlocks", True, "only the last deadlock is remembered"),
    ),
    Rule(
        setting="innodb_stats_persistent",
        title="Plans survive a restart.",
        severity="hint",
        formula="ON",
        source="MariaDB documentation, InnoDB Persistent Statistics",
        effect="the same plans after a restart",
        judge=switched("innodb_stats_persistent", True, "every restart makes new statistics"),
    ),
    Rule(
        setting=UNSAVED,
        title="What was set at run time is in a file, too.",
        severity="risk",
        formula="none",
        source="MariaDB documentation, information_schema.SYSTEM_VARIABLES",
        effect="the next start changes nothing unawares",
        judge=_unsaved,
        line=_lines,
    ),
)
