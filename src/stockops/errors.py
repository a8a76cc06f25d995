"""
Every failure a user can cause or meet, and the exit code each one leaves with.

    StockopsError
    ├── Finding           exit 1   the check found something, or had nothing to check
    ├── ConfigError       exit 2   the command line, the environment or a file is wrong
    ├── Unreachable       exit 3   no server answered
    ├── Unsupported       exit 4   this engine or version cannot do it
    ├── Refused           exit 5   it can be done, and it was not confirmed
    ├── Busy              exit 6   another run holds the lock
    ├── StorageError      exit 1   a disk or a repository refused: no space, no rights, damaged
    └── ServerError       exit 1   the server answered with an error; `fault` says which kind

Anything else that escapes is a bug: exit 70, with its traceback.
"""

from enum import Enum
from pathlib import Path
from typing import ClassVar


class StockopsError(Exception):
    """What went wrong, in one sentence, and what to do next."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class Finding(StockopsError):
    """A check found something, or there was nothing to check."""

    exit_code = 1


class ConfigError(StockopsError):
    """The command line, the environment or a file is wrong."""

    exit_code = 2


class Unreachable(StockopsError):
    """No server answered at the target."""

    exit_code = 3


class Unsupported(StockopsError):
    """The engine, or its version, cannot do this."""

    exit_code = 4


class Refused(StockopsError):
    """The action is possible and was not confirmed."""

    exit_code = 5


class Busy(StockopsError):
    """Another run holds the lock."""

    exit_code = 6


class StorageError(StockopsError):
    """A disk or a repository refused: no space, no rights, gone, damaged."""


class Fault(Enum):
    """What an error of the server means for the transaction that met it."""

    RETRY = "retry"  # rolled back whole: run the same transaction again
    LOCKED = "locked"  # a lock was not to be had in time
    DUPLICATE = "duplicate"  # a unique key is taken: replay, read what is stored
    LOST = "lost"  # the connection went before COMMIT was sent: nothing happened
    UNKNOWN = "unknown"  # the connection went after COMMIT was sent: ask by the key
    REJECTED = "rejected"  # a routine or a constraint said no
    READ_ONLY = "read only"  # this server does not take writes (now)
    DENIED = "denied"  # the role lacks the right
    FULL = "full"  # the server has no space left
    OTHER = "other"


class ServerError(StockopsError):
    """The server, or a tool, answered with an error; `log` is the file that the message names."""

    def __init__(
        self,
        message: str,
        *,
        fault: Fault,
        code: str,
        hint: str | None = None,
        log: Path | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.fault = fault
        self.code = code
        self.log = log
