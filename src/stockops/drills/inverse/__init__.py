"""
The steps that take a fault back: a closed set, each harmless when it is done twice.

A step looks whether what it touches is still what it was when it was written down: a process by its
number and its beginning, a file by the folder it lies in. It is made before the fault, and is done
by whoever is alive afterwards: the run itself, its guardian, or ``drill undo`` after a reboot.
"""

from .base import Step
from .files import PutBack, Remove, Write
from .running import Continue, Detach, Kill, Limit
from .servers import ClearProxy, Destroy, Sql

__all__ = [
    "ClearProxy",
    "Continue",
    "Destroy",
    "Detach",
    "Kill",
    "Limit",
    "PutBack",
    "Remove",
    "Sql",
    "Step",
    "Write",
]
