"""Autovacuum: whether it runs, how often and how fast."""

from ..rule import Judgement, Rule, View, fine, propose, switched, within

LARGE_ROWS = 10_000_000
DEAD_SHARE_MAX = 0.2
_MANUAL = "PostgreSQL manual, Vacuuming: Automatic Vacuuming"


def _scale(view: View) -> Judgement:
    now, rows = view.number("autovacuum_vacuum_scale_factor"), view.state("tables.largest_rows")
    if now > 0.4:
        return propose(0.05 if rows > LARGE_ROWS else 0.2, "nearly half of a table may be dead")
    if rows <= LARGE_ROWS or now <= 0.05:
        return fine(f"the largest table has {rows:,.0f} rows")
    return propose(0.05, f"of {rows:,.0f} rows {now * rows:,.0f} may be dead before it is vacuumed")


def _limit(view: View) -> Judgement:
    own = view.number("autovacuum_vacuum_cost_limit")
    now = own if own > 0 else view.number("vacuum_cost_limit")
    if now >= 1000:
        return fine(f"the limit is {now:.0f}")
    dead = view.state("tables.dead_share")
    if dead <= DEAD_SHARE_MAX:
        return fine(f"at most {dead:.0%} of a large table are dead")
    if view.disk() == "hdd":
        return fine("autovacuum is behind, and a spinning disk is no faster")
    return propose(2000, f"{dead:.0%} of a large table are dead: autovacuum is too slow")


RULES = (
    Rule(
        setting="autovacuum",
        title="Dead rows are removed, and transaction numbers frozen.",
        severity="risk",
        formula="on",
        source=_MANUAL,
        effect="dead_share falls; no stop to prevent wraparound",
        judge=switched("autovacuum", True, "tables grow, and one day the server refuses to write"),
    ),
    Rule(
        setting="track_counts",
        title="Autovacuum is told what has changed.",
        severity="risk",
        formula="on",
        source="PostgreSQL manual, Run-time Statistics",
        effect="dead_share falls",
        judge=switched("track_counts", True, "autovacuum does not run without it"),
    ),
    Rule(
        setting="autovacuum_naptime",
        title="Autovacuum looks at a database once a minute.",
        severity="hint",
        formula="from 1 s to 60 s",
        source=_MANUAL,
        effect="dead_share falls",
        judge=within("autovacuum_naptime", 1, 60, wanted=60.0, why="a busy table waits too long"),
    ),
    Rule(
        setting="autovacuum_vacuum_cost_delay",
        title="Autovacuum does not sleep most of its time.",
        severity="hint",
        formula="from 0 to 2 ms",
        source=_MANUAL,
        effect="a vacuum takes less time; more reads beside the load",
        judge=within(
            "autovacuum_vacuum_cost_delay",
            -1,
            0.002,
            wanted=0.002,
            why="it sleeps most of its time",
        ),
    ),
    Rule(
        setting="autovacuum_vacuum_cost_limit",
        title="Autovacuum keeps up with the load.",
        severity="hint",
        formula="2000 on ssd, where over 20 % of a table of 100,000 rows are dead",
        source=_MANUAL,
        effect="dead_share falls; more reads and writes beside the load",
        judge=_limit,
    ),
    Rule(
        setting="autovacuum_vacuum_scale_factor",
        title="A large table is vacuumed before millions of its rows are dead.",
        severity="hint",
        formula="0.05 where a table has over 10,000,000 rows; 0.4 at most elsewhere",
        source=_MANUAL,
        effect="dead_share falls; shorter, more frequent vacuums",
        judge=_scale,
    ),
    Rule(
        setting="autovacuum_freeze_max_age",
        title="Freezing begins long before transaction numbers run out.",
        severity="risk",
        formula="from 100,000,000 to 1,000,000,000",
        source="PostgreSQL manual, Vacuuming: Preventing Transaction ID Wraparound Failures",
        effect="no stop to prevent wraparound",
        judge=within(
            *("autovacuum_freeze_max_age", 1e8, 1e9),
            wanted=200_000_000,
            why="too little room before the numbers run out, or whole tables read too often",
        ),
    ),
)
