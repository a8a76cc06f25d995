"""The expressions of rule files and dashboards, each with the place where it stands."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from .series import ANY

_BYTES_MAX = 16 * 1024 * 1024
# What Grafana puts in while it draws; a value of its own lists stands for all of them.
_IN_RANGE = re.compile(r"\[\s*(?:\$\{?\w+(?::\w+)?\}?|\[\[\w+\]\])\s*([\]:])")
_NUMBER = re.compile(r"\$\{?__(?:range|interval|rate_interval)(?:_ms|_s)?\}?")
_VARIABLE = re.compile(r"\$\{(\w+)(?::[^}]*)?\}|\$(\w+)|\[\[(\w+)(?::\w+)?\]\]")
_LABEL_VALUES = re.compile(r"label_values\(\s*(?:(.+)\s*,\s*)?(\w+)\s*\)\s*$", re.DOTALL)
_QUERY_RESULT = re.compile(r"query_result\((.+)\)\s*$", re.DOTALL)


class Kind(Enum):
    """What an expression is for."""

    ALERT = "alert"
    RECORD = "record"
    PANEL = "panel"
    VARIABLE = "variable"


@dataclass(frozen=True, slots=True)
class Expression:
    """One expression, ready to be parsed; `label` is what a variable lists the values of."""

    file: str
    kind: Kind
    name: str
    text: str
    labels: tuple[str, ...] = ()


def of_rules(path: Path) -> list[Expression]:
    """Return the rules of a file as Prometheus reads it; `ConfigError` where it could not."""
    import yaml  # noqa: PLC0415

    try:
        content = yaml.safe_load(_text(path))
    except yaml.YAMLError as exc:
        said = " ".join(str(exc).split())
        raise ConfigError(f"{path} is no YAML: {said}", hint="Try: promtool check rules") from exc
    groups = content.get("groups") if isinstance(content, dict) else None
    if not isinstance(groups, list):
        raise ConfigError(
            f"{path} has no groups of rules", hint="A dashboard is read with --dashboard FILE."
        )
    found = []
    for group in groups:
        for rule in (group or {}).get("rules") or []:
            if not isinstance(rule, dict) or "expr" not in rule:
                raise ConfigError(f"{path} has a rule without expr", hint="promtool check rules")
            kind = Kind.ALERT if "alert" in rule else Kind.RECORD
            name = str(rule.get("alert") or rule.get("record"))
            labels = tuple(rule.get("labels") or ())
            found.append(Expression(str(path), kind, name, str(rule["expr"]), labels))
    return found


def of_dashboard(path: Path) -> list[Expression]:
    """
    Return the queries of a Grafana dashboard to Prometheus: of its panels and of its variables.

    Questions in SQL are left out. Raises `ConfigError` for a file that is no dashboard.
    """
    try:
        content = json.loads(_text(path))
    except ValueError as exc:
        raise ConfigError(f"{path} is no JSON: {exc}") from exc
    if isinstance(content, dict):
        content = content.get("dashboard", content)
    if not isinstance(content, dict) or not {"panels", "rows"} & content.keys():
        raise ConfigError(f"{path} is no dashboard", hint="Export it from Grafana as JSON.")
    found = [*_variables(str(path), content)]
    for panel in _panels(content):
        for target in panel.get("targets") or []:
            text = target.get("expr") if isinstance(target, dict) else None
            if text:
                title = str(panel.get("title") or f"panel {panel.get('id')}")
                found.append(Expression(str(path), Kind.PANEL, title, substituted(str(text))))
    return found


def substituted(text: str) -> str:
    """Return a query with a value in place of each variable of Grafana's."""
    text = _IN_RANGE.sub(r"[5m\1", text)
    text = _NUMBER.sub("300", text)
    made, quote = [], ""
    for part in re.split(r"(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')", text):
        quote = part[:1]
        made.append(_VARIABLE.sub(ANY if quote in {'"', "'"} else "1", part))
    return "".join(made)


def _panels(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for part in [*(content.get("panels") or []), *(content.get("rows") or [])]:
        if isinstance(part, dict):
            yield part
            yield from _panels(part)


def _variables(file: str, content: dict[str, Any]) -> Iterator[Expression]:
    for variable in (content.get("templating") or {}).get("list") or []:
        query = variable.get("query") if isinstance(variable, dict) else None
        if isinstance(query, dict):
            query = query.get("query")
        if variable.get("type") != "query" or not isinstance(query, str):
            continue
        name = str(variable.get("name"))
        if found := _LABEL_VALUES.match(query.strip()):
            if found[1]:
                text = substituted(found[1].strip())
                yield Expression(file, Kind.VARIABLE, name, text, (found[2],))
        elif found := _QUERY_RESULT.match(query.strip()):
            yield Expression(file, Kind.VARIABLE, name, substituted(found[1]))


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _BYTES_MAX:
            raise ConfigError(f"{path} is larger than {_BYTES_MAX // 1024 // 1024} MB")
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        said = exc.strerror if isinstance(exc, OSError) else "it is no text"
        raise ConfigError(f"{path} cannot be read: {said}") from exc
