"""
A drill's file: the YAML head, read strictly, and the runbook below it.

Each part of the head may say otherwise for one engine: ``expect: {rto_s: 30, engines: {mariadb:
{rto_s: 60}}}``. What is absent has the default of its field, so that the fields below are the list
of what may be written.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from .. import configfile
from ..configfile import Section
from ..errors import ConfigError
from ..health import ranges
from ..health.ranges import Range
from ..targets import ENGINES
from . import runbook
from .runbook import Runbook

KEYS = ("id", "title", "engines", "fault", "args", "tags", "expires_days")
PARTS = ("load", "steady", "abort", "detect", "expect")
EXPIRES_MAX_DAYS = 366
_HINT = "A drill begins with --- and a head in YAML: see chaos/README.md."
_ID = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_WORD = re.compile(r"[a-z][a-z0-9_-]*")

Scalar = int | float | bool | str
Part = TypeVar("Part")


def _within(low: float, high: float, default: Any = MISSING) -> Any:
    return field(default=default, metadata={"range": (low, high)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The orders that run throughout."""

    clients: int = _within(1, 64, 2)
    rate_per_s: int = _within(1, 5000, 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Steady:
    """What holds before the fault, and again within `converge_s` after recovery."""

    gap_ms: int = _within(1, 60_000, 500)
    p99_ms: int = _within(1, 60_000, 250)
    converge_s: int = _within(1, 600, 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Abort:
    """When the run is given up and everything undone."""

    host_disk_free_mib: int = _within(64, 1_048_576, 1024)
    elapsed_s: int = _within(1, 3600, 120)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detect:
    """
    Which of our health checks tell of it, how soon, and which alerts would in their own time.

    With `after_diagnosis` they do once a step of Diagnose has looked for it, and not before.
    `thresholds` are for this drill alone, of checks their warnings, of alerts what their rules
    compare with: nobody waits five minutes for one.
    """

    within_s: float = _within(0.1, 600, 30)
    checks: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    after_diagnosis: bool = False
    thresholds: Mapping[str, Range] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect:
    """
    What has to come out. `invariants` is empty for all of them.

    Where `orders_suffer`, some fail or are late before anybody recovers, or nothing is proven.
    """

    rto_s: float = _within(0.01, 3600)
    acked_lost: int = _within(0, 1_000_000, 0)
    invariants: tuple[str, ...] = ()
    orders_suffer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the head says for one engine."""

    args: Mapping[str, Scalar]
    load: Load
    steady: Steady
    abort: Abort
    detect: Detect
    expect: Expect


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """One drill: what it breaks, what has to come out, and the runbook."""

    id: str
    title: str
    engines: tuple[str, ...]
    fault: str
    tags: tuple[str, ...]
    expires_days: int
    terms: Mapping[str, Terms]
    runbook: Runbook
    path: Path
    sha256: str  # of the whole file
    lines: Mapping[str, int]  # of the keys of the head

    def on(self, engine: str) -> Terms:
        """Return the terms of `engine`, which must be one of the drill's."""
        return self.terms[engine]


def read(path: Path) -> Drill:
    """Return the drill in the file at `path`; every mistake is a `ConfigError` with its line."""
    text = configfile.text_of(path)
    head, body, body_line = _split(text, path)
    root = configfile.parse(head, path, hint=_HINT).only((*KEYS, *PARTS))
    engines = _engines(root)
    name = _word(root, "id", _ID)
    if name != path.stem:
        raise ConfigError(
            f"{root.where('id')}: the id {name!r} is not the file's name",
            hint=f"Write id: {path.stem}, or name the file {name}.md.",
        )
    return Drill(
        id=name,
        title=_title(root),
        engines=engines,
        fault=_word(root, "fault", _WORD),
        tags=_words(root, "tags"),
        expires_days=int(_number(root, "expires_days", (1, EXPIRES_MAX_DAYS), whole=True) or 90),
        terms={engine: _terms(root, engine, engines) for engine in engines},
        runbook=runbook.parse(body, path, line=body_line),
        path=path,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        lines={key: int(root.where(key).rpartition(":")[2]) for key in root},
    )


def _split(text: str, path: Path) -> tuple[str, str, int]:
    """Return the head, the body, and the line at which the body begins."""
    rows = text.splitlines(keepends=True)
    marks = [at for at, row in enumerate(rows) if row.rstrip() == "---"]
    if len(marks) < 2 or marks[0] != 0:
        raise ConfigError(f"{path}:1: the file has no head between two lines of ---", hint=_HINT)
    end = marks[1]
    return "".join(rows[:end]), "".join(rows[end + 1 :]), end + 2


def _terms(root: Section, engine: str, engines: tuple[str, ...]) -> Terms:
    args = _over(root, "args", engine, engines)
    return Terms(
        args={
            key: value for key, where in args.items() if (value := where.scalar(key)) is not None
        },
        load=_part(Load, root, "load", engine, engines),
        steady=_part(Steady, root, "steady", engine, engines),
        abort=_part(Abort, root, "abort", engine, engines),
        detect=_part(Detect, root, "detect", engine, engines),
        expect=_part(Expect, root, "expect", engine, engines),
    )


def _over(root: Section, name: str, engine: str, engines: tuple[str, ...]) -> dict[str, Section]:
    """Return which section says each key of part `name`: its own engine's before the common one."""
    common = root.section(name)
    own = common.section("engines").only(engines).section(engine)
    found = {key: common for key in common if key != "engines"}
    return found | dict.fromkeys(own, own)


def _part(
    kind: type[Part], root: Section, name: str, engine: str, engines: tuple[str, ...]
) -> Part:
    """Return part `name` of the head for `engine`, as `kind` says what it may hold."""
    known = {one.name: one for one in fields(kind)}  # type: ignore[arg-type]
    root.section(name).only((*known, "engines"))
    root.section(name).section("engines").only(engines).section(engine).only(known)
    places = _over(root, name, engine, engines)
    values: dict[str, Any] = {}
    for key, where in places.items():
        limits = known[key].metadata.get("range")
        if limits is not None:
            whole = known[key].type in {int, "int"}
            values[key] = _number(where, key, limits, whole=whole)
        elif known[key].type in {bool, "bool"}:
            values[key] = where.flag(key)
        elif key == "thresholds":
            said = where.section(key)
            values[key] = {name: said.parsed(name, ranges.parse) for name in said}
        elif (words := _words(where, key)) != ("all",):
            values[key] = words
    for key, one in known.items():
        if key not in values and one.default is MISSING and one.default_factory is MISSING:
            raise ConfigError(
                f"{root.where(name) if name in root else root.where('id')}: "
                f"{name}.{key} is missing for {engine}",
                hint=f"Write {name}: {{{key}: NUMBER}}.",
            )
    return kind(**values)


def _number(
    section: Section, key: str, limits: tuple[float, float], *, whole: bool
) -> float | int | None:
    """Return the number under `key`, which lies within `limits`."""
    low, high = limits

    def parse(text: str) -> float | int:
        kind = "a whole number" if whole else "a number"
        hint = f"{key} wants {kind} from {low:g} to {high:,g}{_unit(key)}."
        try:
            found = int(text) if whole else float(text)
        except ValueError:
            raise ConfigError(f"{key} is {text!r}, which is not {kind}", hint=hint) from None
        if not low <= found <= high:
            raise ConfigError(f"{key} is {text}, which is out of range", hint=hint)
        return found

    return section.parsed(key, parse)


def _unit(key: str) -> str:
    units = {"s": " seconds", "ms": " milliseconds", "mib": " MiB", "days": " days"}
    return units.get(key.rpartition("_")[2], "")


def _engines(root: Section) -> tuple[str, ...]:
    found = root.words("engines")
    for engine in found:
        if engine not in ENGINES:
            near = get_close_matches(engine, ENGINES, 1)
            raise ConfigError(
                f"{root.where('engines')}: no engine is called {engine!r}",
                hint=f"Did you mean {near[0]}?" if near else f"Known: {', '.join(ENGINES)}.",
            )
    if not found:
        raise ConfigError(
            f"{root.where('engines')}: the drill is for no engine",
            hint=f"Write engines: [{', '.join(ENGINES)}], or one of them.",
        )
    return tuple(dict.fromkeys(found))


def _title(root: Section) -> str:
    title = (root.text("title") or "").strip()
    if not title or "\n" in title:
        raise ConfigError(
            f"{root.where('title')}: the drill has no title in one line",
            hint="Write title: The data disk is full",
        )
    return title


def _word(root: Section, key: str, form: re.Pattern[str]) -> str:
    word = root.text(key)
    if word is None or not form.fullmatch(word):
        said = "is missing" if word is None else f"is {word!r}, which is not a name"
        raise ConfigError(
            f"{root.where(key)}: {key} {said}",
            hint=f"Write {key} in small letters, as disk-full or disk_full.",
        )
    return word


def _words(section: Section, key: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(section.words(key)))
