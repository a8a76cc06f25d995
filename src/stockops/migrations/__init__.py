"""
Versioned SQL, applied once, in order, by one run at a time; and the proof that it was.

`up` applies, `plan` says what `up` would do, `status` says where each migration stands, `verify`
holds files, history and journal against each other. A file on PostgreSQL is one transaction; on
MariaDB, and under ``-- no-transaction``, every statement commits by itself and the journal says
how far a file that stopped had come.
"""

from ..sessions.waiting import Patience
from .checking import Verdict, verify
from .planning import CLEAN, Changed, PlannedStatement, Status, made, missing, plan, status
from .running import Applied, up

__all__ = [
    "CLEAN",
    "Applied",
    "Changed",
    "Patience",
    "PlannedStatement",
    "Status",
    "Verdict",
    "made",
    "missing",
    "plan",
    "status",
    "up",
    "verify",
]
