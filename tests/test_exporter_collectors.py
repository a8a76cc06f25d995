"""What no collector may do, whoever writes it: the exporter's promises rest on it."""

import ast
import re
from pathlib import Path

import pytest

import stockops
from stockops.exporter import FILES, SERVERS

HERE = Path(stockops.__file__).parent
MODULES = sorted((HERE / "exporter" / "collectors").glob("[!_]*.py"))
QUESTIONS = sorted(HERE.glob("sql/*/exporter/*.sql"))
FORBIDDEN = {"threading", "socket", "subprocess", "time.sleep", "open_server", "connect"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_collector_opens_no_connection_and_starts_nothing(path: Path) -> None:
    used = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            used |= {alias.name for alias in node.names}
            used |= {(getattr(node, "module", None) or "")}
        elif isinstance(node, ast.Call):
            used.add(ast.unparse(node.func))
    assert not used & FORBIDDEN


@pytest.mark.parametrize("path", QUESTIONS, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_a_question_at_every_scrape_writes_nothing_and_rewrites_no_texts(path: Path) -> None:
    sql = re.sub(r"'(?:[^']|'')*'|--[^\n]*", "''", path.read_text("utf-8"))
    assert not re.search(r"(?i)\bregexp_(replace|matches)\b|\bfor update\b", sql)
    assert not re.search(r"(?i)^\s*(insert|update|delete|create|alter|drop|truncate)\b", sql, re.M)


def test_every_collector_is_registered_once_for_an_engine() -> None:
    registered = {module for modules in SERVERS.values() for module in modules} | {*FILES}
    names = {Path(str(getattr(module, "__file__", ""))).stem for module in registered}
    assert {path.stem for path in MODULES} <= names
    for engine, modules in SERVERS.items():
        every = [*(module.NAME for module in modules), *(module.NAME for module in FILES)]
        assert len(every) == len(set(every)), engine
