"""The rules and dashboards that stockops brings, for one engine."""

from pathlib import Path

from .. import resources
from .parts import Expression, of_dashboard, of_rules

_ENGINES = ("postgresql", "mariadb")


def brought(engine: str) -> list[Expression]:
    """Return the expressions of `monitoring` that are made for a server of `engine`."""
    place = resources.folder("monitoring")
    found = [each for path in _for(engine, place / "rules", "*.yml") for each in of_rules(path)]
    boards = _for(engine, place / "dashboards", "*.json")
    return found + [each for path in boards for each in of_dashboard(path)]


def _for(engine: str, folder: Path, pattern: str) -> list[Path]:
    """Return the files that are not for another engine: their names begin with it."""
    others = tuple(name for name in _ENGINES if name != engine)
    return [path for path in sorted(folder.glob(pattern)) if not path.name.startswith(others)]
