"""What the planner believes of the disk and of compiling."""

from ..rule import Judgement, Rule, View, fine, propose

COMPILED_SHARE_MAX = 0.05
_COSTS = "PostgreSQL manual, Query Planning: Planner Cost Constants"


def _random(view: View) -> Judgement:
    now, disk = view.number("random_page_cost"), view.disk()
    if disk == "ssd" and now > 2:
        return propose(1.1, "a page out of order costs an ssd hardly more than the next one")
    if disk == "hdd" and now < 2:
        return propose(4.0, "a page out of order costs a spinning disk a move of its arm")
    return fine(f"it suits an {disk}")


def _concurrency(view: View) -> Judgement:
    now, disk = view.number("effective_io_concurrency"), view.disk()
    if disk == "ssd" and now < 16:
        return propose(200, "an ssd serves many reads at once, and is asked for few")
    if disk == "hdd" and now > 16:
        return propose(2, "one spinning disk serves one read at a time")
    return fine(f"it suits an {disk}")


def _jit(view: View) -> Judgement:
    if not view.flag("jit"):
        return fine("statements are not compiled")
    ran, compiled = view.hourly("statements.run_s"), view.hourly("statements.compiled_s")
    share = compiled / ran if ran else 0.0
    if share <= COMPILED_SHARE_MAX:
        return fine(f"{share:.1%} of the time of statements is compiling")
    return propose(False, f"{share:.0%} of the time of statements is compiling, not working")


RULES = (
    Rule(
        setting="random_page_cost",
        title="The planner knows the disk.",
        severity="hint",
        formula="1.1 on ssd where above 2; 4 on hdd where below 2",
        source=_COSTS,
        effect="more plans by index on ssd, fewer on hdd",
        judge=_random,
    ),
    Rule(
        setting="effective_io_concurrency",
        title="The disk is asked for as much at once as it can do.",
        severity="hint",
        formula="200 on ssd where below 16; 2 on hdd where above 16",
        source="PostgreSQL manual, Resource Consumption: I/O",
        effect="bitmap scans that read the disk take less time",
        judge=_concurrency,
    ),
    Rule(
        setting="jit",
        title="Statements are compiled only where that pays.",
        severity="waste",
        formula="off where over 5 % of the time of statements is compiling",
        source="PostgreSQL manual, Just-in-Time Compilation: When to JIT?",
        effect="mean and p99 of short statements fall",
        judge=_jit,
    ),
)
