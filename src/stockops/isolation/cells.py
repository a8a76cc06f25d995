"""What is measured: the combinations, and how long they take."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal, get_args

from ..engine.base import Isolation
from ..errors import ConfigError
from ..workload import CLIENTS_MAX

Locks = Literal["none", "unordered", "ordered"]
Load = Literal["hot", "spread"]

LEVELS: Sequence[Isolation] = get_args(Isolation)
LOCK_NAMES: Sequence[Locks] = get_args(Locks)
LOAD_NAMES: Sequence[Load] = get_args(Load)
SECONDS = 4.0
SECONDS_MAX = 600.0
_GOLDEN_S = 10.0  # once for a version of the schema
_EACH_S: Mapping[str, float] = {"postgresql": 1.5, "mariadb": 2.0}  # a lab, its books, its end


@dataclass(frozen=True, slots=True)
class Cell:
    """
    One combination. `snapshot` is innodb_snapshot_isolation; None where the level does not ask it.

    `locks` are those that a transaction takes before it decides: none, the rows in the order in
    which the program comes to need them, or in one order for all.
    """

    level: Isolation
    snapshot: bool | None
    locks: Locks
    load: Load

    @property
    def isolation(self) -> str:
        """The level in one word or two, with the switch where there is one."""
        if self.snapshot is None:
            return self.level
        return f"{self.level}, snapshot {'on' if self.snapshot else 'off'}"

    @property
    def title(self) -> str:
        """The whole combination, for a progress line."""
        return f"{self.isolation}; {WORDS[self.locks]}; {self.load}"


WORDS: Mapping[str, str] = {
    "none": "no locks",
    "unordered": "unordered locks",
    "ordered": "ordered locks",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class IsolationPlan:
    """
    What to measure. A cell ends after `seconds`, or after `orders` requests of all clients.

    Empty `levels`, `locks` and `loads` are all of them.
    """

    engine: str
    clients: int = 8
    seconds: float | None = SECONDS
    orders: int | None = None
    seed: int = 1
    levels: Collection[Isolation] = ()
    locks: Collection[Locks] = ()
    loads: Collection[Load] = ()

    def __post_init__(self) -> None:
        """Raise `ConfigError` for what cannot be measured, before a server is started."""
        if not 2 <= self.clients <= CLIENTS_MAX:
            raise ConfigError(
                f"--clients is 2 to {CLIENTS_MAX}, not {self.clients}",
                hint="One alone is isolated at every level." if self.clients == 1 else None,
            )
        if self.orders is not None and self.orders < self.clients:
            raise ConfigError(
                f"{self.orders} orders are fewer than the {self.clients} clients",
                hint=f"Take --orders {self.clients * 50}, or --seconds {SECONDS:g}.",
            )

    @property
    def planned_s(self) -> float | None:
        """Return about how long it all takes; None where that depends on the server."""
        if self.seconds is None:
            return None
        count = len(cells(self, has_switch=self.engine == "mariadb"))
        return _GOLDEN_S + count * (self.seconds + _EACH_S[self.engine])


def cells(plan: IsolationPlan, *, has_switch: bool) -> list[Cell]:
    """
    Return the cells of `plan`, in the order of the table.

    `has_switch`: whether the server has innodb_snapshot_isolation, which REPEATABLE READ then has
    on and off.
    """
    variants: list[tuple[Isolation, bool | None]] = []
    for level in LEVELS:
        switches = (False, True) if has_switch and level == "repeatable read" else (None,)
        variants += [(level, switch) for switch in switches]
    return [
        Cell(level, switch, locks, load)
        for load, (level, switch), locks in product(LOAD_NAMES, variants, LOCK_NAMES)
        if (not plan.levels or level in plan.levels)
        and (not plan.locks or locks in plan.locks)
        and (not plan.loads or load in plan.loads)
    ]
