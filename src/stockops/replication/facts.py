"""What is known about replicas, and what is asked to know it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from ..lab import Lab
from ..lab.account import Account
from ..queries import Query
from ..targets import Target

State = Literal["following", "paused", "broken", "down", "missing", "unknown"]
SOUND: frozenset[State] = frozenset({"following"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a server of PostgreSQL follows another one."""

    is_replica: bool
    receiver: str
    primary_address: str
    received: str
    applied: str
    behind_bytes: int
    behind_s: float | None
    paused: bool
    slot_name: str
    is_configured: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Follower:
    """Somebody who reads a server's log, as that server sees it."""

    replica: str
    state: str
    received: str
    applied: str
    behind_bytes: int | None
    behind_s: float | None
    slot_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """What keeps the log for a replica."""

    slot_name: str
    is_active: bool
    wal_status: str
    held_bytes: int


@dataclass(frozen=True, slots=True)
class Database:
    """A database of PostgreSQL and its number."""

    number: str
    name: str


STANDING = Query("replication/standing", Standing)
FOLLOWERS = Query("replication/followers", Follower)
SLOTS = Query("replication/slots", Slot)
DATABASES = Query("replication/databases", Database)


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """
    One replica, as `stockops replica status` shows it.

    `behind_bytes` and `behind_s` are None where nobody can know them; `received` and `applied` are
    positions in the primary's log (an LSN, GTIDs). `reason` is in words, `next` a command.
    """

    replica: str
    primary: str
    engine: str
    state: State
    behind_bytes: int | None = None
    behind_s: float | None = None
    received: str = ""
    applied: str = ""
    slot: str = ""
    reason: str = ""
    next: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """
    What the log of a server holds that the one which took over never got.

    `rows` counts changed rows by table, `new_rows` those of them that were new. `kept` is a file
    with the transactions, where the log tells them as text. `unread` says why nothing can be told;
    the numbers are then no zeros.
    """

    transactions: int = 0
    rows: Mapping[str, int] = field(default_factory=dict)
    new_rows: Mapping[str, int] = field(default_factory=dict)
    since: str = ""
    first_at: datetime | None = None
    last_at: datetime | None = None
    parted: bool = False  # the logs differ, were it by a record that changes no row
    kept: Path | None = None
    unread: str = ""

    def __str__(self) -> str:
        if self.unread:
            return f"what is lost cannot be told: {self.unread}"
        if not self.transactions:
            return "no transaction is lost"
        said = ", ".join(self._of(table) for table in sorted(self.rows))
        return f"{self.transactions:,} transactions after {self.since}: {said or 'no rows'}"

    def _of(self, table: str) -> str:
        new = self.new_rows.get(table, 0)
        return f"{table} {self.rows[table]:,}" + (f" ({new:,} new)" if new else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a replica reaches its primary: a directory of sockets, or an address of loopback."""

    lab: Lab
    host: str
    port: int


class Replicated(Protocol):
    """
    How one engine replicates between labs.

    To add one: write these members, and a line in `stockops.replication.engines.ENGINES`.
    """

    port: bool  # whether a replica reaches its primary by a port only

    def source(self, primary: Lab, via: int | None) -> Source:
        """Return where `primary` is reached, or by the port `via`; `Refused` where it cannot be."""

    def copy(self, source: Source, lab: Lab, account: Account) -> None:
        """Fill the empty data directory of `lab` with a copy that is set to follow."""

    def begin(self, lab: Lab, source: Source, *, within_s: float) -> None:
        """Have the started copy follow, and wait until it does."""

    def expect(self, name: str, primary: Lab) -> None:
        """Have `primary` keep its log for the replica `name` from now on."""

    def leave(self, name: str, primary: Lab) -> None:
        """Take off `primary`, where it is up, what it keeps for the replica `name`."""

    def follow(self, lab: Lab, source: Source) -> None:
        """Set the data of `lab`, which is down and knows nothing more, to follow."""

    def resume(self, lab: Lab, source: Source, *, within_s: float) -> None:
        """Have the server that was started on such data follow, and wait until it does."""

    def look(self, target: Target, lab: Lab | None, primary: Lab | None) -> Following | None:
        """Return how `target`, perhaps a lab, follows; None where it is to follow nobody."""

    def is_replica(self, lab: Lab) -> bool:
        """Tell whether `lab`, which is up, applies a primary's log."""

    def hold_writes(self, primary: Lab, replica: Lab, *, within_s: float) -> None:
        """Stop `primary` in good order when `replica` has all of its log."""

    def drain(self, lab: Lab, *, within_s: float) -> None:
        """Wait until `lab` has applied all that it received."""

    def promote(self, lab: Lab, *, within_s: float) -> None:
        """Open `lab` for writing."""

    def prove(self, lab: Lab) -> str:
        """Commit something that leaves nothing behind; return the position after it."""

    def lost(self, old: Lab, new: Lab, *, keep: Path | None = None) -> Lost:
        """Return what the log of `old` holds that `new` never got; as text in `keep`, if it can."""

    @property
    def rewind(self) -> Callable[[Lab, Source, Account], None] | None:
        """
        Take out of the data of a lab that is down what its new primary never got.

        None where only a copy made anew is without it.
        """
