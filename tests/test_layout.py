"""Imports point down, every file has a place, and a driver is known to one module."""

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import stockops

SRC = Path(stockops.__file__).parent
TOP = SRC.parent.parent

# What stands lower knows nothing of what stands higher, nor of its neighbours.
LAYERS = [
    {"errors", "patterns"},
    {"processes", "logs"},
    {
        "queries",
        "sqlscripts",
        "statements",
        "plan",
        "plans",
        "money",
        "resources",
        "configfile",
        "counts",
        "passwords",
        "children",
        "disk",
        "durations",
        "filelock",
        "limits",
        "scratch",
        "trials",
        "unwinding",
    },
    {"targets", "state"},
    {"engine", "render", "proxy"},
    {"market", "draws", "catalog", "sessions", "notices", "advisory"},
    {
        "migrations",
        "listing",
        "people",
        "prices",
        "orders",
        "numbering",
        "books",
        "business",
        "audit",
        "erd",
        "slow",
        "indexes",
        "settings",
        "roles",
        "jobs",
    },
    {
        "journal",
        "seeding",
        "lab",
        "partitions",
        "predictions",
        "conditions",
        "rebalancing",
        "indicators",
        "settlement",
        "research",
        "actions",
    },
    {"workload", "backups", "scenarios", "tradingday", "schema"},
    {"experiments", "health", "replication", "storage"},
    {"drills", "privacy"},
    {"exporter", "isolation"},
    {"overview"},
    {"report", "alerts"},
    {"demo"},
    {"cli"},
]
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
HOMES = {
    "psycopg": {"engine/postgresql.py"},
    "psycopg_pool": set(),
    "pymysql": {"engine/mariadb.py"},
}
PRINTS = {"print", "exit", "sys.exit", "sys.stdout.write", "sys.stderr.write"}
TOP_FOLDERS = {"schema", "scripts", "src", "ops", "monitoring", "chaos", "tests", "docs"}


@dataclass(frozen=True, slots=True)
class Module:
    """What is looked for in a file; its tree is not kept, for many of them slow what follows."""

    imports: frozenset[str]  # the first name under ``stockops``, or the library, of each import
    prints: tuple[int, ...]  # the lines that write to a terminal or exit


@cache
def read(path: Path) -> Module:
    here = path.relative_to(SRC).parent.parts
    found: set[str] = set()
    prints = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else ()
            full = [part for part in (*base, *(node.module or "").split(".")) if part]
            if full and full[0] == "stockops":
                full = full[1:]
            found |= {full[0]} if full else {alias.name for alias in node.names}
        elif isinstance(node, ast.Call) and called(node) in PRINTS:
            prints.append(node.lineno)
    return Module(frozenset(found), tuple(prints))


def imports(path: Path) -> frozenset[str]:
    return read(path).imports


def called(node: ast.Call) -> str:
    """Return the dotted name that is called; nothing where it is more than a name."""
    parts: list[str] = []
    at: ast.expr = node.func
    while isinstance(at, ast.Attribute):
        parts.append(at.attr)
        at = at.value
    return ".".join([at.id, *reversed(parts)]) if isinstance(at, ast.Name) else ""


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
    said = [
        f"{path.relative_to(SRC)}:{line}"
        for path in modules()
        if place(path) != "cli"
        for line in read(path).prints
    ]
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
