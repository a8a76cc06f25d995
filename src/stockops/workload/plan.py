"""What a run is asked to be, and what it is not allowed to be."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, time
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from ..orders import BATCH_ORDERS_MAX

KINDS = ("market", "limit", "cancel")
SKEWS = ("uniform", "zipf")
CLIENTS_MAX = 128
DEFAULT_SECONDS = 10.0
WARMUP_S_MAX = 3600.0
OPENS_AT = time(10, 0)  # KST: later than that a market opens on no day of the year
DEFAULT_MIX: Mapping[str, int] = {"market": 30, "limit": 60, "cancel": 10}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """
    What to run. It ends after `seconds` or `orders`, whichever is first.

    `warmup_s` goes before: what is answered then counts among the orders, but not in the rate and
    the latencies, and `seconds` begin after it.

    `rate_per_s` makes it an open loop: orders arrive at that rate in all, as a Poisson process,
    whether the server keeps up or not. `batch` orders go in one call; above 1, each client draws
    from issues and accounts of its own (module `shares`). `mix` holds weights.
    `business_date` None means the next one after the latest prices; `server_clock` leaves the
    market's clock to the server. `patience_s` is how long a client tries to get back to a server
    that went. A `stubborn` one tries for as long after any other error, too: a full disk, a server
    that takes no writes. `moments` is a folder in which each client says when it was answered.
    `seal` seals the audit chain meanwhile.
    """

    clients: int = 4
    seconds: float | None = None
    orders: int | None = None
    warmup_s: float = 0.0
    rate_per_s: float | None = None
    mix: Mapping[str, int] = field(default_factory=lambda: dict(DEFAULT_MIX))
    skew: str = "uniform"
    seed: int = 1
    batch: int = 1
    business_date: date | None = None
    server_clock: bool = False
    journal: Path | None = None
    patience_s: float = 30.0
    stubborn: bool = False
    moments: Path | None = None
    seal: bool = True

    def __post_init__(self) -> None:
        """Raise `ConfigError` for what cannot be run, before anything is touched."""
        for bad, message, hint in self._faults():
            if bad:
                raise ConfigError(message, hint=hint)

    @property
    def planned_s(self) -> float | None:
        """How long it will measure; None where a number of orders decides."""
        if self.seconds is None and self.orders is None:
            return DEFAULT_SECONDS
        return self.seconds

    @property
    def whole_s(self) -> float | None:
        """How long it will run, the warm-up included."""
        return None if self.planned_s is None else self.warmup_s + self.planned_s

    @property
    def echo(self) -> dict[str, Any]:
        """The plan as JSON can hold it."""
        said = asdict(self)
        said["business_date"] = None if self.business_date is None else str(self.business_date)
        said["journal"] = None if self.journal is None else str(self.journal)
        said["moments"] = None if self.moments is None else str(self.moments)
        said["seconds"] = self.planned_s
        return said

    def _faults(self) -> list[tuple[bool, str, str]]:
        rate, batch = self.rate_per_s, self.batch
        only_cancels = not (self.mix.get("market") or self.mix.get("limit"))
        return [
            (
                not 1 <= self.clients <= CLIENTS_MAX,
                f"{self.clients} clients cannot be run: it takes 1 to {CLIENTS_MAX}",
                f"Take --clients {CLIENTS_MAX} or fewer; a few per core are enough to fill it.",
            ),
            (
                self.seconds is not None and not self.seconds > 0,
                f"a run of {self.seconds} seconds does nothing",
                "Take --seconds 10, or --orders 1000.",
            ),
            (
                self.orders is not None and self.orders < 1,
                f"a run of {self.orders} orders does nothing",
                "Take --orders 1000, or --seconds 10.",
            ),
            (
                not 0 <= self.warmup_s <= WARMUP_S_MAX,
                f"a warm-up of {self.warmup_s:g} seconds cannot be taken: it takes 0 to "
                f"{WARMUP_S_MAX:g}",
                "Take --warmup 5, or leave it out.",
            ),
            (
                rate is not None and not 0 < rate <= 1_000_000,
                f"{rate} orders a second is not a rate",
                "Take --rate 500, or leave it out to send as fast as answers come.",
            ),
            (
                not 1 <= batch <= BATCH_ORDERS_MAX,
                f"a batch of {batch} orders cannot be sent: it takes 1 to {BATCH_ORDERS_MAX}",
                "Take --batch 100.",
            ),
            (only_cancels, "the mix holds no orders", "Take --mix market:30,limit:60,cancel:10."),
            (
                self.skew not in SKEWS,
                f"no skew is called {self.skew!r}",
                f"Take one of: {', '.join(SKEWS)}.",
            ),
        ]


def mix_of(text: str) -> dict[str, int]:
    """Return the weights in `text`, such as ``market:30,limit:60,cancel:10``."""
    weights: dict[str, int] = {}
    for part in text.split(","):
        kind, _, weight = part.strip().partition(":")
        if kind not in KINDS:
            near = get_close_matches(kind, KINDS, 1)
            raise ConfigError(
                f"no kind of request is called {kind!r}",
                hint=f"Did you mean {near[0]}?" if near else f"Known: {', '.join(KINDS)}.",
            )
        if not (weight.isascii() and weight.isdigit()) or kind in weights:
            raise ConfigError(
                f"{part.strip()!r} is not a kind and its weight",
                hint="Write each kind once, as in market:30,limit:60,cancel:10.",
            )
        weights[kind] = int(weight)
    return weights
