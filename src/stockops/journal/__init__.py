"""
The client's own record of a run, kept where the database cannot lose it.

A directory with a header and one file a client. A client writes down what it is about to send and
has it on disk before it sends it, so that after a crash of either side `audit` can tell in numbers
what the database owes to whom: acknowledged and missing, committed and never sent.
"""

from .files import Header, Journal, Writer, create, forge, read_header
from .pairing import Audit, Finding, audit

__all__ = [
    "Audit",
    "Finding",
    "Header",
    "Journal",
    "Writer",
    "audit",
    "create",
    "forge",
    "read_header",
]
