"""What a rule is: data, and a small function of what it can see."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from .facts import Context, Disk, Facts, Missing, Setting, Value

Severity = Literal["risk", "waste", "hint"]

KIB, MIB, GIB = 1024, 1024**2, 1024**3


class CannotJudge(Exception):
    """What a rule needs is not known."""

    def __init__(self, missing: Missing) -> None:
        super().__init__(missing.why)
        self.missing = missing


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that a rule looked at; `window_s` None: as it is now."""

    name: str
    value: float | str
    window_s: float | None = None


class View:
    """Facts as one rule sees them; `evidence` is what it has looked at so far."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.evidence: list[Evidence] = []

    def setting(self, name: str) -> Setting:
        """Return the setting `name`, or raise `CannotJudge`."""
        if name not in self.facts.settings:
            missing = self.facts.missing.get("settings")
            if missing is None:
                missing = Missing(f"this server has no setting {name}", "")
            raise CannotJudge(missing)
        return self.facts.settings[name]

    def number(self, name: str) -> float:
        """Return the setting `name`, a number."""
        return float(self.setting(name).value)

    def text(self, name: str) -> str:
        """Return the setting `name` as lower-case text."""
        return str(self.setting(name).value).lower()

    def flag(self, name: str) -> bool:
        """Return the setting `name`, on or off."""
        return self.setting(name).value is True

    def memory(self) -> int:
        """Return the memory that the server may use."""
        return int(self._machine("memory", self.facts.machine.memory_bytes))

    def cpus(self) -> int:
        """Return how many CPUs the server may use."""
        return int(self._machine("cpus", self.facts.machine.cpus))

    def disk(self) -> Disk:
        """Return the kind of disk under the data."""
        kind = self.facts.machine.disk
        if kind is None:
            machine = self.facts.machine
            raise CannotJudge(machine.disk_missing or machine.missing)
        self.evidence.append(Evidence("machine.disk", kind))
        return kind

    def state(self, name: str) -> float:
        """Return what the counter `name` says of now, or of all time."""
        counter = self.facts.counters.get(name)
        if counter is None:
            group = name.partition(".")[0]
            missing = self.facts.missing.get(group)
            raise CannotJudge(missing or Missing(f"this server does not count {name}", ""))
        self.evidence.append(Evidence(name, counter.value, counter.window_s))
        return counter.value

    def known(self, name: str) -> float | None:
        """Return the counter `name` as `state` does; None where it is missing."""
        return self.state(name) if name in self.facts.counters else None

    def hourly(self, name: str) -> float:
        """Return the counter `name` an hour; `CannotJudge` where its window is too short."""
        value = self.state(name)
        counter, needed = self.facts.counters[name], self.facts.window_s_min
        if counter.window_s is None or counter.window_s < needed:
            window = counter.window_s or 0.0
            raise CannotJudge(
                Missing(
                    f"{name} has counted for {window:,.0f} s, and {needed:,.0f} s are needed",
                    "Ask again when the server has worked for longer.",
                )
            )
        if counter.hourly is not None:
            return counter.hourly
        return value * 3600 / max(counter.window_s, 1.0)

    def _machine(self, name: str, value: int | None) -> int:
        if value is None:
            raise CannotJudge(self.facts.machine.missing)
        self.evidence.append(Evidence(f"machine.{name}", value))
        return value


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a rule says: `value` to set, or None where all is well; and why."""

    value: Value | None
    why: str


def propose(value: Value, why: str) -> Judgement:
    """Return the advice to set `value`."""
    return Judgement(value, why)


def fine(why: str) -> Judgement:
    """Return that all is well."""
    return Judgement(None, why)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """
    One rule on one setting, which no other rule speaks of.

    `judge` sees the facts as they are once all rules before this one were followed. `claims` is
    the memory that the setting takes in the worst case, when it has been followed. `statement`,
    `line` and `context` say how the setting is changed, where the engine's usual words do not.
    """

    setting: str
    title: str
    severity: Severity
    formula: str
    source: str
    effect: str
    judge: Callable[[View], Judgement]
    claims: Callable[[View], float] | None = None
    statement: Callable[[Facts, Value], tuple[str, ...]] | None = None
    line: Callable[[Facts, Value], tuple[str, ...]] | None = None
    context: Context | None = None

    @property
    def name(self) -> str:
        """What the rule is called on the command line."""
        return self.setting.replace(" ", "_")


def among(setting: str, *allowed: str, wanted: str, why: str) -> Callable[[View], Judgement]:
    """Return the judge that wants `setting` to be one of the words `allowed`, or else `wanted`."""

    def judge(view: View) -> Judgement:
        now = view.text(setting)
        return fine(f"it is {now}") if now in {*allowed, wanted} else propose(wanted, why)

    return judge


def switched(setting: str, on: bool, why: str) -> Callable[[View], Judgement]:
    """Return the judge that wants the flag `setting` to be `on`."""

    def judge(view: View) -> Judgement:
        return fine("it is as it should be") if view.flag(setting) is on else propose(on, why)

    return judge


def within(
    setting: str, low: float, high: float, *, wanted: Value, why: str
) -> Callable[[View], Judgement]:
    """Return the judge that wants the number `setting` from `low` to `high`, or else `wanted`."""

    def judge(view: View) -> Judgement:
        now = view.number(setting)
        return fine("it is in the usual range") if low <= now <= high else propose(wanted, why)

    return judge


def down(value: float, unit: int) -> int:
    """Return `value` rounded down to a multiple of `unit`, and of a megabyte where it is large."""
    step = MIB if unit < MIB and value >= 8 * MIB else unit
    return int(value // step) * step


def up(value: float, unit: int) -> int:
    """Return `value` rounded up to a multiple of `unit`."""
    return -int(-value // unit) * unit
