"""Why there is no session, or why it ended, in one word of a closed set."""

import re
from typing import Literal, get_args

from ..errors import Fault, ServerError

Reason = Literal[
    "ok",
    "refused",
    "timeout",
    "auth",
    "too_many_connections",
    "tls",
    "dns",
    "read_only",
    "lost",
    "other",
]
REASONS: tuple[Reason, ...] = get_args(Reason)

_FAULTS: dict[Fault, Reason] = {
    Fault.LOST: "lost",
    Fault.UNKNOWN: "lost",
    Fault.READ_ONLY: "read_only",
    Fault.DENIED: "auth",
}

# Both drivers say it in words: libpq keeps no code for a refused connection. The first one counts.
_WORDS: list[tuple[Reason, str]] = [
    (
        "too_many_connections",
        r"too many (clients|connections)|remaining connection slots|max_(user_)?connections",
    ),
    (
        "dns",
        r"translate host name|resolve host|name or service not known|name resolution"
        r"|nodename nor servname|no address associated",
    ),
    ("timeout", r"time(d)? ?out"),
    (
        "auth",
        r"access denied|authentication failed|no password supplied|pg_hba|role .* does not exist"
        r"|peer authentication|not allowed to connect|account is locked|not permitted to log in"
        r"|password (has )?expired|is blocked because|plugin .* (cannot|is not) (be )?loaded",
    ),
    ("tls", r"\b(ssl|tls)\b|certificate"),
    (
        "refused",
        r"refused|no such file|no route to host|unreachable|is not up|starting up|shutting down"
        r"|not accepting connections|in recovery mode",
    ),
    (
        "lost",
        r"lost connection|connection was lost|closed the connection|reset by peer",
    ),
]
_PATTERNS = [(reason, re.compile(words, re.IGNORECASE)) for reason, words in _WORDS]


def reason_of(error: BaseException) -> Reason:
    """Return what `error`, met while a session was opened or used, comes down to."""
    if isinstance(error, ServerError) and error.fault in _FAULTS:
        return _FAULTS[error.fault]
    said = str(error)
    return next((reason for reason, words in _PATTERNS if words.search(said)), "other")
