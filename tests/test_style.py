"""The rules of the house that a program can check."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import stockops

SRC = Path(stockops.__file__).parent
TOP = SRC.parent.parent
PYTHON = sorted([*SRC.rglob("*.py"), *TOP.glob("scripts/*.py")])
TESTS = sorted(TOP.glob("tests/*.py"))
FOLDERS = ("", "indexes/", "sessions/", "live/", "scenarios/", "rebalancing/", "research/")
QUESTIONS = sorted(path for folder in FOLDERS for path in SRC.glob(f"sql/*/{folder}*.sql"))
ASKED = sorted(SRC.glob("sql/*/**/*.sql"))
LINES_PER_MODULE = 400
LINES_PER_FUNCTION = 50
PARAMETERS = 6
FLOATS = re.compile(r"\b(float[48]?|double(\s+precision)?|real|money)\b", re.IGNORECASE)


def name(path: Path) -> str:
    return str(path.relative_to(TOP))


def without_comments(sql: str) -> str:
    return re.sub(r"'(?:[^']|'')*'|--[^\n]*", lambda m: "" if m[0][0] == "-" else "''", sql)


def has_one_row(sql: str) -> bool:
    """Tell a statement that always answers with one row: no table, or an aggregate of them all."""
    top, before = sql, ""
    while top != before:
        before, top = top, re.sub(r"\([^()]*\)", "", top)
    if not re.search(r"(?i)\bfrom\b", top):
        return True
    aggregate = re.search(r"(?i)\b(count|sum|min|max)\s*\(", sql)
    return aggregate is not None and not re.search(r"(?i)\bgroup\s+by\b|\bover\b", top)


def test_modules_and_functions_are_small_and_dataclasses_have_slots() -> None:
    """One test of all files, which reads each once: two a file cost more than what they look at."""
    wrong = []
    for path in PYTHON:
        text = path.read_text("utf-8")
        if text.count("\n") > LINES_PER_MODULE:
            wrong.append(f"{name(path)} has more than {LINES_PER_MODULE} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                wrong += [f"{name(path)}:{node.lineno} {node.name} {said}" for said in large(node)]
            elif isinstance(node, ast.ClassDef) and not has_slots(node):
                wrong.append(f"{name(path)}:{node.lineno} {node.name} is without slots=True")
    assert not wrong


def large(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """Say what of a function is more than it should be."""
    lines = (node.end_lineno or 0) - node.lineno + 1
    if lines > LINES_PER_FUNCTION:
        yield f"has {lines} lines"
    taken = [arg.arg for arg in (*node.args.posonlyargs, *node.args.args)]
    taken = [arg for arg in taken if arg not in {"self", "cls"}]
    count = len(taken) + len(node.args.kwonlyargs)
    if count > PARAMETERS:
        yield f"takes {count}"


def has_slots(node: ast.ClassDef) -> bool:
    """Tell whether a class has slots, if it is a dataclass."""
    decorators = [ast.unparse(each) for each in node.decorator_list]
    return all("slots=True" in each for each in decorators if each.startswith("dataclass"))


def test_a_test_waits_in_one_place_and_pretends_nothing() -> None:
    wrong = []
    for path in TESTS:
        text = path.read_text("utf-8")
        if re.search(r"^(from|import) (unittest\.)?mock\b", text, re.MULTILINE):
            wrong.append(f"{name(path)} imports mock")
        if path.name == "conftest.py" or "sleep" not in text:
            continue
        wrong += [
            f"{name(path)}:{node.lineno} sleeps: use eventually()"
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {"time.sleep", "sleep"}
        ]
    assert not wrong


@pytest.mark.parametrize("path", QUESTIONS, ids=name)
def test_a_question_is_one_statement(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.startswith("-- "), "say first what the question answers"
    if "-- unsupported: " in text:
        return
    sql = without_comments(text)
    assert ";" not in sql, "one statement, no semicolon"
    assert not re.search(r"(?i)select\s+(\w+\.)?\*", sql), "name the columns"
    assert has_one_row(sql) or re.search(r"(?i)\border by\b", sql), "order the rows"
    assert not re.search(r"%(?!\(\w+\)s|%)", sql), "a literal percent is %%"


def test_an_asked_file_says_what_for() -> None:
    assert not [name(path) for path in ASKED if not path.read_text("utf-8").startswith("-- ")]


@pytest.mark.parametrize("path", sorted(TOP.glob("schema/*/*.sql")), ids=name)
def test_money_is_never_a_float(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.startswith("-- "), "say first what the file makes"
    assert not FLOATS.search(without_comments(text))


def test_files_are_text_with_one_newline_at_the_end() -> None:
    listed = subprocess.run(
        ["git", "-C", str(TOP), "ls-files"], capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("this is not a checkout")
    endings = {".py", ".sql", ".md", ".yaml", ".yml", ".toml", ".sh", ".j2", ".html"}
    for file in (TOP / line for line in listed.stdout.splitlines()):
        if file.suffix not in endings or not file.is_file():
            continue
        data = file.read_bytes()
        assert b"\r" not in data, file
        assert not data or data.endswith(b"\n"), file
        assert not data.endswith(b"\n\n"), file
