"""The faults there are, by name."""

from collections.abc import Mapping, Sequence

from .access import PasswordExpired
from .base import Args, Driver, Fault, Needs, Spot, anywhere
from .clock import ClockJump
from .damage import CorruptIndex, CorruptPage, LostLog
from .deploying import MigrationKilled
from .disks import DiskFull
from .exhaustion import KeysExhausted, WraparoundNear
from .keeping import ArchiveStopped, BackupCorrupted
from .memory import MemoryRefused
from .mistakes import BadSettings, DroppedTable, MassUpdate, OrphanTransaction
from .network import (
    BlackHole,
    ConnectionsRefused,
    ConnectionsReset,
    LostReply,
    LostRequest,
    NetworkLatency,
    NetworkLoss,
)
from .processes import BackendKilled, ServerFrozen, ServerKilled
from .replicas import PrimaryLost, ReplicaBroken, ReplicaLagging, ReplicaPromoted
from .sessions import (
    ConnectionFlood,
    DeadlockStorm,
    IdleInTransaction,
    LockStorm,
    OldSnapshot,
    QueryFlood,
    RunawayQuery,
)
from .syncs import FailingSync, SlowSync
from .writes import LogWriteRefused

__all__ = ["FAULTS", "Args", "Driver", "Fault", "Needs", "Spot", "anywhere"]

_ALL: Sequence[Fault] = (
    BackendKilled(),
    ServerKilled(),
    ServerFrozen(),
    MemoryRefused(),
    ClockJump(),
    DiskFull(),
    SlowSync(),
    FailingSync(),
    LogWriteRefused(),
    ConnectionFlood(),
    QueryFlood(),
    RunawayQuery(),
    LockStorm(),
    DeadlockStorm(),
    IdleInTransaction(),
    OldSnapshot(),
    KeysExhausted(),
    WraparoundNear(),
    ArchiveStopped(),
    BackupCorrupted(),
    BadSettings(),
    CorruptIndex(),
    CorruptPage(),
    LostLog(),
    DroppedTable(),
    MassUpdate(),
    OrphanTransaction(),
    MigrationKilled(),
    PasswordExpired(),
    NetworkLatency(),
    NetworkLoss(),
    BlackHole(),
    ConnectionsReset(),
    ConnectionsRefused(),
    LostReply(),
    LostRequest(),
    ReplicaLagging(),
    PrimaryLost(),
    ReplicaBroken(),
    ReplicaPromoted(),
)
FAULTS: Mapping[str, Fault] = {each.name: each for each in _ALL}
