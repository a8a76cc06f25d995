"""Imports point down, every file has a place, and a driver is known to one module."""

import ast
from functools import cache
from pathlib import Path

import stockops

SRC = Path(stockops.__file__).parent
TOP = SRC.parent.parent

# What stands lower knows nothing of what stands higher, nor of its neighbours.
LAYERS = [
    {"errors"},
    {
        "queries",
        "statements",
        "plan",
        "plans",
        "money",
        "resources",
        "configfile",
        "passwords",
        "children",
        "disk",
        "filelock",
        "scratch",
        "trials",
        "unwinding",
    },
    {"targets"},
    {"engine", "render"},
    {"market", "draws", "catalog", "sessions"},
    {
        "migrations",
        "listing",
        "people",
        "prices",
        "orders",
        "books",
        "audit",
        "erd",
        "slow",
        "indexes",
        "settings",
    },
    {"journal", "seeding", "lab"},
    {"workload", "backups"},
    {"experiments"},
    {"report"},
    {"demo"},
    {"cli"},
]
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
HOMES = {
    "psycopg": {"engine/postgresql.py"},
    "psycopg_pool": set(),
    "pymysql": {"engine/mariadb.py"},
}
TOP_FOLDERS = {"schema", "scripts", "src", "ops", "monitoring", "chaos", "tests", "docs"}


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@cache
def imports(path: Path) -> set[str]:
    """Return the first name under ``stockops``, or the library, of each import."""
    here = path.relative_to(SRC).parent.parts
    found: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else ()
            full = [part for part in (*base, *(node.module or "").split(".")) if part]
            if full and full[0] == "stockops":
                full = full[1:]
            found |= {full[0]} if full else {alias.name for alias in node.names}
    return found


def place(path: Path) -> str:
    """Return the module or package directly under ``stockops`` that `path` belongs to."""
    return path.relative_to(SRC).with_suffix("").parts[0]


def modules() -> list[Path]:
    return [path for path in sorted(SRC.rglob("*.py")) if not place(path).startswith("__")]


def test_imports_point_down() -> None:
    wrong = [
        f"{path.relative_to(SRC)} imports {name}"
        for path in modules()
        for name in sorted(imports(path) & RANK.keys())
        if name != place(path) and RANK[name] >= RANK.get(place(path), 0)
    ]
    assert not wrong


def test_every_module_has_a_layer() -> None:
    there = {path.stem for path in SRC.iterdir() if path.stem[0] not in "_."}
    assert there - {"sql", "py"} <= RANK.keys()


def test_a_driver_is_imported_in_one_file() -> None:
    for driver, homes in HOMES.items():
        users = {str(path.relative_to(SRC)) for path in modules() if driver in imports(path)}
        assert users == homes, driver


def test_click_is_for_the_command_line() -> None:
    users = {place(path) for path in modules() if "click" in imports(path)}
    assert users == {"cli"}


def test_only_the_command_line_prints_and_exits() -> None:
    said = []
    for path in modules():
        if place(path) == "cli":
            continue
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {
                "print",
                "exit",
                "sys.exit",
                "sys.stdout.write",
                "sys.stderr.write",
            }:
                said.append(f"{path.relative_to(SRC)}:{node.lineno}")
    assert not said


def test_no_module_is_named_after_nothing() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "core", "services", "manager", "misc"}
    assert not [path for path in modules() if vague & set(path.with_suffix("").parts)]


def test_the_top_level_holds_what_it_should() -> None:
    folders = {
        path.name for path in TOP.iterdir() if path.is_dir() and not path.name.startswith(".")
    }
    assert folders - {"dist", "build", "out", "requirements"} <= TOP_FOLDERS


def test_both_engines_have_the_same_migrations() -> None:
    names = {
        engine: {path.name for path in (TOP / "schema" / engine).glob("*.sql")}
        for engine in ("postgresql", "mariadb")
    }
    versions = {
        engine: {name.split("__")[0] for name in found if name.startswith("V")}
        for engine, found in names.items()
    }
    assert versions["postgresql"] == versions["mariadb"]
