"""
Fill a migrated database with the Korean market: the same rows on both engines.

`run` prepares and loads; `status` says how far a seed is; `reset` empties what seeds and trading
filled.
"""

from ..engine.base import Server
from ..listing import sources
from ..targets import Target
from .content import TableContent
from .loading import Prepared, SeedProgress, SeedResult, Watch, load, prepare
from .plan import SeedPlan
from .resetting import reset, steps
from .state import State, read
from .tables import TABLES

__all__ = [
    "TABLES",
    "Prepared",
    "SeedPlan",
    "SeedProgress",
    "SeedResult",
    "State",
    "TableContent",
    "Watch",
    "load",
    "prepare",
    "reset",
    "run",
    "status",
    "steps",
]


def run(target: Target | str, plan: SeedPlan, *, progress: Watch | None = None) -> SeedResult:
    """
    Seed `target` by `plan`, or go on with a seed of that plan; do nothing where it is done.

    All that can be wrong with the plan and its listing is found before the first row is written.
    """
    return load(target, prepare(target, plan, sources.read), progress)


def status(server: Server) -> State:
    """Return what seed the database holds."""
    return read(server)
