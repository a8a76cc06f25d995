"""Whether a drill could be run, and followed by a person, as far as reading it can tell."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Protocol

from .. import configfile, resources
from ..errors import ConfigError
from ..targets import ENGINES
from . import shell
from .head import Drill
from .runbook import DIAGNOSE, RECOVER, VERIFY, Mark, Step

# What a step may call, besides `stockops`: programs of a server, and those that every system has.
SERVER_PROGRAMS = {
    "postgresql": (
        "psql", "pg_amcheck", "pg_basebackup", "pg_checksums", "pg_controldata", "pg_ctl",
        "pg_dump", "pg_isready", "pg_resetwal", "pg_restore", "pg_rewind", "pg_waldump",
        "reindexdb", "vacuumdb",
    ),
    "mariadb": (
        "innochecksum", "mariadb", "mariadb-admin", "mariadb-backup", "mariadb-binlog",
        "mariadb-check", "mariadb-dump",
    ),
}  # fmt: skip
SYSTEM_PROGRAMS = (
    "[", "awk", "cat", "cd", "cp", "cut", "date", "df", "du", "echo", "env", "export", "find",
    "grep", "head", "journalctl", "kill", "ls", "mkdir", "mv", "printf", "ps", "pwd", "rm",
    "sed", "sh", "sleep", "sort", "stat", "strings", "systemctl", "tail", "test", "timeout",
    "touch", "tr", "true", "uniq", "wc",
)  # fmt: skip
UNDRILLED = "undrilled.yaml"
_CHECKED = 'Write: The books balance: `stockops books check -t "$TARGET"` <!-- check -->'
# The sections that have steps, and which mark one of them must have.
_WANTED = (
    (DIAGNOSE, None, "", ""),
    (RECOVER, Mark.AUTO, "automatic", "Mark a step <!-- auto -->."),
    (VERIFY, Mark.CHECK, "a check", _CHECKED),
)
_WHY_CHARS_MIN = 15


class Breaks(Protocol):
    """What is asked of a fault."""

    @property
    def without(self) -> Mapping[str, str]:
        """The engines on which it cannot be, and why."""

    def needs(self, engine: str, args: Mapping[str, Any]) -> Any:
        """Raise `ConfigError` where `args` make no sense."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What there is for drills to name. `mistake` says what is wrong with words of stockops."""

    faults: Mapping[str, Breaks]
    checks: Mapping[str, Collection[str]]  # by engine
    alerts: Collection[str]
    invariants: Collection[str]
    mistake: Callable[[Sequence[str]], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong, and what to do."""

    drill: str
    where: str
    problem: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Excused:
    """A check or an alert that no drill makes tell. `kind` is "checks" or "alerts"."""

    kind: str
    name: str
    why: str
    where: str


def lint(drill: Drill, ground: Ground) -> Iterator[Problem]:
    """Yield what is wrong with `drill`."""
    yield from _fault(drill, ground)
    for engine in drill.engines:
        yield from _names(drill, engine, ground)
        yield from _followable(drill, engine)
    for step in drill.runbook.steps:
        for problem, hint in _step(step, drill, ground):
            yield Problem(
                drill=drill.id, where=f"{drill.path}:{step.line}", problem=problem, hint=hint
            )


def links(drills: Sequence[Drill], ground: Ground, excused: Sequence[Excused]) -> Iterator[Problem]:
    """Yield the checks and alerts that no drill makes tell without an excuse, and bad excuses."""
    named = fired_by(drills)
    there = {"checks": {name for each in ground.checks.values() for name in each}}
    there["alerts"] = set(ground.alerts)
    seen: set[tuple[str, str]] = set()
    for each in excused:
        drills_of = named[each.kind].get(each.name)
        hint = f"Take {each.name} out of that line."
        if each.name not in there[each.kind]:
            told, hint = f"nothing is called {each.name!r}", _near(each.name, there[each.kind])
        elif drills_of:
            told = f"{', '.join(drills_of)} makes {each.name!r} tell"
        elif (each.kind, each.name) in seen:
            told = f"{each.name!r} is there twice"
        elif len(each.why) < _WHY_CHARS_MIN:
            told, hint = f"no reason is given for {each.name!r}", "Say why no drill can."
        else:
            seen.add((each.kind, each.name))
            continue
        yield Problem(drill="-", where=each.where, problem=told, hint=hint)
    for kind, known in there.items():
        for name in sorted(known - named[kind].keys() - {name for of, name in seen if of == kind}):
            yield Problem(
                drill="-",
                where=f"chaos/{UNDRILLED}",
                problem=f"no drill makes the {kind.removesuffix('s')} {name!r} tell",
                hint=f"Name it in detect.{kind} of a drill, or write there why not.",
            )


def fired_by(drills: Sequence[Drill]) -> dict[str, dict[str, list[str]]]:
    """Return for ``checks`` and ``alerts`` which drills make each of them tell."""
    found: dict[str, dict[str, list[str]]] = {"checks": {}, "alerts": {}}
    for drill in drills:
        for kind, drills_of in found.items():
            of_all = [getattr(drill.on(engine).detect, kind) for engine in drill.engines]
            for name in dict.fromkeys(name for names in of_all for name in names):
                drills_of.setdefault(name, []).append(drill.id)
    return found


def undrilled(path: Path | None = None) -> list[Excused]:
    """Return the checks and alerts that no drill makes tell, and why, as ``chaos/`` says."""
    top = configfile.read(path or resources.folder("chaos") / UNDRILLED)
    found = []
    for group in top:
        section = top.section(group).only(("why", "checks", "alerts"))
        why = section.text("why") or ""
        for kind in ("checks", "alerts"):
            found += [
                Excused(kind=kind, name=name, why=why, where=section.where(kind))
                for name in section.words(kind)
            ]
    return found


def _fault(drill: Drill, ground: Ground) -> Iterator[Problem]:
    def problem(key: str, text: str, hint: str) -> Problem:
        where = f"{drill.path}:{drill.lines.get(key, drill.lines['fault'])}"
        return Problem(drill=drill.id, where=where, problem=text, hint=hint)

    fault = ground.faults.get(drill.fault)
    if fault is None:
        hint = _near(drill.fault, ground.faults)
        yield problem("fault", f"no fault is called {drill.fault!r}", hint)
        return
    for engine in drill.engines:
        if why := fault.without.get(engine):
            hint = f"Take {engine} out of engines."
            yield problem("engines", f"{drill.fault} cannot be on {engine}: {why}", hint)
            continue
        try:
            fault.needs(engine, drill.on(engine).args)
        except ConfigError as exc:
            yield problem("args", f"args for {engine}: {exc}", exc.hint or "Correct the args.")


def _names(drill: Drill, engine: str, ground: Ground) -> Iterator[Problem]:
    """Yield the names in the head that lead nowhere."""
    terms = drill.on(engine)
    for key, names, known in (
        ("detect", terms.detect.checks, ground.checks[engine]),
        ("detect", terms.detect.alerts, ground.alerts),
        ("expect", terms.expect.invariants, ground.invariants),
    ):
        for name in names:
            if name not in known:
                yield Problem(
                    drill=drill.id,
                    where=f"{drill.path}:{drill.lines.get(key, 1)}",
                    problem=f"{key} names {name!r}, which there is not on {engine}",
                    hint=_near(name, known),
                )
    told = _telling(drill)
    for name in terms.detect.thresholds:
        if name not in told:
            yield Problem(
                drill=drill.id,
                where=f"{drill.path}:{drill.lines.get('detect', 1)}",
                problem=f"a threshold is for {name!r}, which the drill does not expect to tell",
                hint=_near(name, told) if told else "Take it out.",
            )


def _telling(drill: Drill) -> set[str]:
    """Return what tells on any engine of `drill`: a threshold may stand for one alone."""
    of_all = [drill.on(engine).detect for engine in drill.engines]
    return {name for each in of_all for name in (*each.checks, *each.alerts)}


def _followable(drill: Drill, engine: str) -> Iterator[Problem]:
    """Yield what a runner, or a person, would miss on `engine`."""
    for section, wanted, word, mark_it in _WANTED:
        steps = drill.runbook.of(engine, section)
        if not steps:
            told, hint = f"{section} has no step for {engine}", "Write one that ends with a mark."
        elif wanted not in {None, *(step.mark for step in steps)}:
            told, hint = f"nothing in {section} is {word} on {engine}", mark_it
        else:
            continue
        where = f"{drill.path}:{drill.runbook.lines[section]}"
        yield Problem(drill=drill.id, where=where, problem=told, hint=hint)


def _step(step: Step, drill: Drill, ground: Ground) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the commands of `step`."""
    if step.engine is not None and step.engine not in drill.engines:
        yield f"the step is for {step.engine}, and the drill is not", "Correct one of them."
    if not step.commands and step.is_run:
        hint = "Write the command in backticks or in a sh block, or mark the step <!-- manual -->."
        yield "the step has no command to run", hint
    for command in step.commands:
        if not step.is_run and not command.startswith("stockops "):
            continue  # for a person: names and values stand in backticks, too
        for problem, hint in _command(command, step, drill, ground):
            yield f"`{' '.join(command.split())}`: {problem}", hint


def _command(command: str, step: Step, drill: Drill, ground: Ground) -> Iterator[tuple[str, str]]:
    if said := shell.syntax_mistake(command):
        yield f"the shell would not read it: {said}", "Try: sh -n -c '...'"
        return
    for name in shell.unknown_variables(command):
        yield f"nobody sets ${name}", _near(name, shell.PLACES)
    engines = [step.engine] if step.engine else drill.engines
    try:
        calls = list(shell.calls(command))
    except ConfigError as exc:  # the shell reads it, and we do not: nobody has judged it
        yield str(exc), "Write it in a simpler way."
        return
    for words in calls:
        program = words[0]
        if program == "stockops":
            if told := ground.mistake(words[1:]):
                yield told, f"See: stockops {' '.join(words[1:3])} --help"
        elif program not in SYSTEM_PROGRAMS:
            yield from _program(program, engines)


def _program(program: str, engines: Sequence[str]) -> Iterator[tuple[str, str]]:
    owner = next((engine for engine in ENGINES if program in SERVER_PROGRAMS[engine]), None)
    if owner is None:
        known = {"stockops", *SYSTEM_PROGRAMS, *(x for y in SERVER_PROGRAMS.values() for x in y)}
        near = get_close_matches(program, known, 1)
        hint = "A runbook calls stockops, the server's own programs, and what every system has."
        told = f"{program!r} is no program that a runbook may count on"
        yield told, f"Did you mean {near[0]}?" if near else hint
    elif {*engines} != {owner}:
        yield f"{program} is {owner}'s alone", f"End the step with <!-- auto, {owner} -->."


def _near(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, known, 1)
    return f"Did you mean {near[0]}?" if near else f"Known: {', '.join(sorted(known))}."
