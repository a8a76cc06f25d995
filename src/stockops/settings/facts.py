"""What is known of a server, its machine and its load; and of what is not known, why."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

Value = int | float | bool | str
Kind = Literal["bytes", "seconds", "number", "flag", "text", "list"]
Context = Literal["at once", "new sessions", "reload", "restart", "stopped"]
Disk = Literal["ssd", "hdd"]

# A counter that is younger than this says nothing of an hour: a start, a warm-up, a batch job.
WINDOW_S_MIN = 3600.0

# Settings of no server: what is done by hand, and asked again like a setting.
PENDING = "restart pending"
UNSAVED = "set at run time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """
    One setting, in bytes, seconds, numbers, flags or text; -1 stays what it is.

    `context` is what a new value takes. `choices` are the words that this server knows for it.
    `is_option`: a file can say it, under the same name.
    """

    name: str
    value: Value
    kind: Kind
    context: Context
    source: str = ""
    choices: tuple[str, ...] = ()
    is_option: bool = True


@dataclass(frozen=True, slots=True)
class Counter:
    """
    Something the server counted in the last `window_s` seconds, or how it is now (None).

    `hourly` is what that makes in an hour.
    """

    value: float
    window_s: float | None = None
    hourly: float | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """Why something is not known, and what to do about it."""

    why: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """
    What the server may use: memory and CPUs within the limits of its control group.

    None: not known, for the reason `missing`. `known_by` says where the figures come from.
    """

    memory_bytes: int | None = None
    cpus: int | None = None
    disk: Disk | None = None
    known_by: str = ""
    missing: Missing = field(default_factory=lambda: Missing("nobody looked", ""))
    disk_missing: Missing | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """
    All that rules judge by.

    Counters are named ``group.name``. A group that could not be read is in `missing`, and so is
    the group ``settings``: why a setting that is not there may be hidden.
    """

    engine: str
    version: tuple[int, int]
    database: str
    machine: Machine
    settings: Mapping[str, Setting]
    counters: Mapping[str, Counter]
    missing: Mapping[str, Missing] = field(default_factory=dict)
    window_s_min: float = WINDOW_S_MIN

    def with_value(self, name: str, value: Value) -> "Facts":
        """Return these facts as they are once the setting `name` has the value `value`."""
        changed = replace(self.settings[name], value=value)
        return replace(self, settings={**self.settings, name: changed})
