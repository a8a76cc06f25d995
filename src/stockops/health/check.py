"""A check as data: one YAML file each, read strictly, and a question or a probe that it names."""

import re
import string
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from .. import configfile, durations, targets
from ..configfile import Section
from ..errors import ConfigError
from . import ranges
from .ranges import Range

Unit = Literal["", "%", "s", "B"]
Rate = Literal["second", "minute", "hour", "share", "ratio"]
Lane = Literal["fast", "slow"]
Needs = Literal["sessions"]

FIELDS = ("subject", "value", "allowed", "share", "detail")  # of what a message may speak
_KEYS = (
    "title",
    "group",
    "unit",
    "engine",
    "question",
    "probe",
    "warning",
    "critical",
    "message",
    "none",
    "runbook",
    "next",
    "rate",
    "least",
    "falls",
    "interval",
    "lane",
    "needs",
)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,47}")
_USUAL_INTERVAL_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """
    One check.

    It asks `question`, a file of SQL for each engine, or `probe`, a function of `health.probes`;
    either answers with a `Reading` for each thing looked at. `rate` says that values only grow,
    and that their growth is judged: by the second, minute or hour; as a share (percent) or a ratio
    of what `allowed` grew by, where that is `least` or more. A counter that fell began anew; a
    value that `falls`, as a size does, did not grow. `message` speaks of the worst reading, `none`
    of none at all. `home` is the folder of a check that did not come with the package. `engine` is
    None for both. `needs` is what the role has to see: to one that does not, nothing would be
    wrong.
    """

    name: str
    title: str
    group: str
    unit: Unit = ""
    engine: str | None = None
    question: str | None = None
    probe: str | None = None
    warning: Range | None = None
    critical: Range | None = None
    message: str
    none: str = "nothing to look at"
    runbook: str = ""
    next: str = ""
    rate: Rate | None = None
    least: int = 1
    falls: bool = False
    interval_s: int = 60
    lane: Lane = "fast"
    needs: Needs | None = None
    home: Path | None = None


def read(path: Path, *, home: Path | None = None) -> Check:
    """Return the check of the file at `path`; `ConfigError` names file and line of a mistake."""
    name = path.stem
    top = configfile.read(path).only(_KEYS)
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"{path}: {name!r} cannot be the name of a check",
            hint="Name the file in small letters, digits and _: stuck_orders.yaml.",
        )
    probe = top.text("probe")
    question = top.text("question") or (None if probe else name)
    if probe and top.text("question"):
        raise ConfigError(
            f"{top.where('probe')}: a check asks a question or a probe, not both",
            hint="Keep one of the two lines.",
        )
    return Check(
        name=name,
        title=_needed(top, "title"),
        group=_needed(top, "group"),
        unit=_one_of(top, "unit", get_args(Unit)) or "",
        engine=_one_of(top, "engine", targets.ENGINES),
        question=question,
        probe=probe,
        warning=limit(top, "warning"),
        critical=limit(top, "critical"),
        message=_message(top),
        none=top.text("none") or "nothing to look at",
        runbook=top.text("runbook") or "",
        next=top.text("next") or "",
        rate=_one_of(top, "rate", get_args(Rate)),
        least=max(1, top.number("least") or 1),
        falls=top.flag("falls"),
        interval_s=_interval(top),
        lane=_one_of(top, "lane", get_args(Lane)) or "fast",
        needs=_one_of(top, "needs", get_args(Needs)),
        home=home,
    )


def adjusted(check: Check, section: Section) -> Check:
    """Return `check` with the thresholds of `section`; ``none`` there takes one away."""
    section.only(("warning", "critical"))
    given = {key: None if section.plain(key) == "none" else limit(section, key) for key in section}
    return replace(
        check,
        warning=given.get("warning", check.warning),
        critical=given.get("critical", check.critical),
    )


def limit(section: Section, key: str) -> Range | None:
    """Return the range under `key`, None where there is none."""
    return section.parsed(key, ranges.parse)


def _needed(section: Section, key: str) -> str:
    text = section.text(key)
    if not text:
        raise ConfigError(
            f"{section.where(key)}: a check needs {key}", hint=f"Write a line {key}: …"
        )
    return text


def _one_of(section: Section, key: str, known: Sequence[str]) -> Any:
    text = section.text(key)
    if text is not None and text not in known:
        words = ", ".join(each or '""' for each in known)
        raise ConfigError(
            f"{section.where(key)}: {key} cannot be {text!r}", hint=f"Write one of: {words}."
        )
    return text


def _message(section: Section) -> str:
    text = _needed(section, "message")
    try:
        named = {field for _, field, _, _ in string.Formatter().parse(text) if field is not None}
    except ValueError as exc:
        raise ConfigError(
            f"{section.where('message')}: the braces of the message do not match: {exc}",
            hint="Write {value}, and a brace that is meant as one twice: {{.",
        ) from None
    if odd := sorted(named - set(FIELDS)):
        raise ConfigError(
            f"{section.where('message')}: a message knows no {{{odd[0]}}}",
            hint=f"Known: {', '.join(f'{{{field}}}' for field in FIELDS)}.",
        )
    return text


def _interval(section: Section) -> int:
    found = section.parsed("interval", durations.seconds)
    return _USUAL_INTERVAL_S if found is None else max(1, found)
