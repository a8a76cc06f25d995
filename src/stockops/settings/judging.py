"""Ask every rule, each on what the rules before it have left, and say what to change."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from ..errors import ConfigError
from . import mariadb, postgresql, words
from .facts import Context, Facts, Missing, Setting, Value
from .rule import CannotJudge, Evidence, Judgement, Rule, Severity, View

State = Literal["advised", "satisfied", "unknown"]
RULES: dict[str, tuple[Rule, ...]] = {
    "postgresql": postgresql.RULES,
    "mariadb": mariadb.RULES,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """
    What became of one rule.

    `now` and `proposed` are as a person reads them, `now_value` and `proposed_value` in bytes and
    seconds. `claims_bytes` is what the setting takes in the worst case, the proposal followed.
    `statements` and `option_lines` (of MariaDB's option file, with its section) make the change.
    `hint` is the next step where the rule could not be asked.
    """

    rule: str
    setting: str
    state: State
    severity: Severity
    title: str
    now: str
    proposed: str
    difference: str
    why: str
    evidence: tuple[Evidence, ...]
    formula: str
    source: str
    effect: str
    context: Context | None
    statements: tuple[str, ...]
    option_lines: tuple[str, ...]
    claims_bytes: int | None
    now_value: Value | None
    proposed_value: Value | None
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """How many rules said what; `claimed_bytes` of `memory_bytes` in the worst case."""

    rules: int
    judged: int
    advised: int
    satisfied: int
    unknown: int
    claimed_bytes: int
    memory_bytes: int | None


def advise(facts: Facts) -> list[Advice]:
    """Return what each rule says, in the order in which they are asked."""
    found = []
    left = facts
    for rule in RULES[facts.engine]:
        view = View(left)
        said: Judgement | Missing
        try:
            said = rule.judge(view)
        except CannotJudge as exc:
            said = exc.missing
        now = left.settings.get(rule.setting)
        if isinstance(said, Judgement) and now and said.value == now.value:
            said = Judgement(None, said.why)  # it is at a limit
        if isinstance(said, Judgement) and now and said.value is not None:
            left = left.with_value(rule.setting, said.value)
        found.append(_advice(rule, said, now, (left, tuple(view.evidence))))
    return found


def followed(facts: Facts, advice: Iterable[Advice]) -> Facts:
    """Return `facts` as they are once all of `advice` was followed."""
    for each in advice:
        if each.proposed_value is not None:
            facts = facts.with_value(each.setting, each.proposed_value)
    return facts


def only(advice: Iterable[Advice], names: Collection[str], engine: str) -> list[Advice]:
    """Return the advice of the rules `names`, of all where it is empty."""
    known = [rule.name for rule in RULES[engine]]
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, 1)
            raise ConfigError(
                f"no rule for {engine} is called {name!r}",
                hint=f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known)}.",
            )
    return [each for each in advice if not names or each.rule in names]


def totals(advice: Collection[Advice], memory_bytes: int | None) -> Totals:
    """Count what `advice` says."""
    states = [each.state for each in advice]
    unknown = states.count("unknown")
    return Totals(
        rules=len(states),
        judged=len(states) - unknown,
        advised=states.count("advised"),
        satisfied=states.count("satisfied"),
        unknown=unknown,
        claimed_bytes=sum(each.claims_bytes or 0 for each in advice),
        memory_bytes=memory_bytes,
    )


def _advice(
    rule: Rule,
    said: Judgement | Missing,
    now: Setting | None,
    seen: tuple[Facts, tuple[Evidence, ...]],
) -> Advice:
    facts, evidence = seen
    wanted = said.value if isinstance(said, Judgement) else None
    advised = now is not None and wanted is not None
    statements, lines = _change(rule, facts, now, wanted)
    return Advice(
        rule=rule.name,
        setting=rule.setting,
        state="unknown" if isinstance(said, Missing) else "advised" if advised else "satisfied",
        severity=rule.severity,
        title=rule.title,
        now=words.shown(now.value, now.kind) if now else "",
        proposed=words.shown(wanted, now.kind) if now and wanted is not None else "",
        difference=words.difference(now.value, wanted, now.kind)
        if now and wanted is not None
        else "",
        why=said.why,
        evidence=evidence,
        formula=rule.formula,
        source=rule.source,
        effect=rule.effect,
        context=rule.context or (now.context if now else None),
        statements=statements,
        option_lines=lines,
        claims_bytes=_claims(rule, facts),
        now_value=now.value if now else None,
        proposed_value=wanted,
        hint=said.hint if isinstance(said, Missing) else "",
    )


def _claims(rule: Rule, facts: Facts) -> int | None:
    if rule.claims is None:
        return None
    try:
        return int(rule.claims(View(facts)))
    except CannotJudge:
        return None


def _change(
    rule: Rule, facts: Facts, now: Setting | None, wanted: Value | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the statements, and the lines of the option file, that give `rule` what it wants."""
    if now is None or wanted is None:
        return (), ()
    if facts.engine == "postgresql":
        if rule.statement:
            return rule.statement(facts, wanted), ()
        alter = f"ALTER SYSTEM SET {rule.setting} = {words.postgresql(wanted, now.kind)};"
        then = "-- restart the server" if now.context == "restart" else "SELECT pg_reload_conf();"
        return (alter, then), ()
    usual = (f"{rule.setting} = {words.option(wanted)}",)
    lines = rule.line(facts, wanted) if rule.line else usual
    set_now = f"SET GLOBAL {rule.setting} = {words.mariadb(wanted)};"
    return () if now.context == "restart" else (set_now,), ("[mariadbd]", *lines)
