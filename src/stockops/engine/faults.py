"""
What each error code of a server means for the transaction that met it.

PostgreSQL speaks in SQLSTATEs: a key of five characters is one, of two is its class. MariaDB
speaks in numbers; its SQLSTATE is HY000 for most of what matters here. A code that means "the
connection is gone" is `Fault.LOST` in these tables; the engine makes it `Fault.UNKNOWN` where
the server may have committed before it went.
"""

from collections.abc import Mapping

from ..errors import Fault, ServerError

POSTGRESQL: Mapping[str, Fault] = {
    "40001": Fault.RETRY,  # serialization_failure
    "40P01": Fault.RETRY,  # deadlock_detected
    "40003": Fault.UNKNOWN,  # statement_completion_unknown
    "55P03": Fault.LOCKED,  # lock_not_available
    "23505": Fault.DUPLICATE,  # unique_violation
    "08": Fault.LOST,  # connection exceptions
    "57P01": Fault.LOST,  # admin_shutdown, pg_terminate_backend
    "57P02": Fault.LOST,  # crash_shutdown
    "57P03": Fault.LOST,  # cannot_connect_now
    "57P04": Fault.LOST,  # database_dropped
    "57P05": Fault.LOST,  # idle_session_timeout
    "25P03": Fault.LOST,  # idle_in_transaction_session_timeout
    "25P04": Fault.LOST,  # transaction_timeout
    "P0001": Fault.REJECTED,  # RAISE EXCEPTION
    "22": Fault.REJECTED,  # values that do not fit their type
    "23": Fault.REJECTED,  # integrity constraints other than unique
    "25006": Fault.READ_ONLY,  # read_only_sql_transaction
    "42501": Fault.DENIED,  # insufficient_privilege
    "53100": Fault.FULL,  # disk_full
}

MARIADB: Mapping[int, Fault] = {
    1020: Fault.RETRY,  # record has changed: innodb_snapshot_isolation
    1047: Fault.RETRY,  # Galera: the node is not ready
    1180: Fault.RETRY,  # error during COMMIT: Galera's certification failed
    1213: Fault.RETRY,  # deadlock
    1614: Fault.RETRY,  # deadlock in an XA branch
    1205: Fault.LOCKED,  # row or metadata lock; the transaction is still open
    1062: Fault.DUPLICATE,
    1586: Fault.DUPLICATE,  # duplicate entry, with the name of the key
    1053: Fault.LOST,  # server shutdown in progress
    1152: Fault.LOST,
    1158: Fault.LOST,
    1159: Fault.LOST,
    1160: Fault.LOST,
    1161: Fault.LOST,
    1184: Fault.LOST,
    1927: Fault.LOST,  # connection was killed
    2006: Fault.LOST,  # has gone away: the statement was not sent whole
    2013: Fault.LOST,  # lost connection during query
    1048: Fault.REJECTED,  # NOT NULL
    1264: Fault.REJECTED,  # out of range
    1364: Fault.REJECTED,  # no default
    1366: Fault.REJECTED,  # incorrect value
    1406: Fault.REJECTED,  # too long
    1451: Fault.REJECTED,  # foreign key, parent side
    1452: Fault.REJECTED,  # foreign key, child side
    1644: Fault.REJECTED,  # SIGNAL
    4025: Fault.REJECTED,  # CHECK
    1792: Fault.READ_ONLY,  # a read-only transaction
    1836: Fault.READ_ONLY,  # a read-only server
    1044: Fault.DENIED,
    1045: Fault.DENIED,
    1095: Fault.DENIED,  # KILL of a session of another
    1142: Fault.DENIED,
    1143: Fault.DENIED,
    1227: Fault.DENIED,
    1370: Fault.DENIED,
    1419: Fault.DENIED,
    1698: Fault.DENIED,
    1820: Fault.DENIED,  # the password has expired, and nothing but a new one is taken
    1979: Fault.DENIED,  # KILL of a statement of another
    1862: Fault.DENIED,  # the password has expired
    1021: Fault.FULL,  # disk full
    1026: Fault.FULL,  # error writing file
    1114: Fault.FULL,  # the table is full
}

# One number, several meanings: what the text must hold for each.
_MARIADB_TEXTS = {
    1290: ("--read-only", Fault.READ_ONLY),  # also --secure-file-priv and others
    1030: ("error 28", Fault.FULL),  # whatever the storage engine met; 28 is ENOSPC
    3: ("Errcode: 28", Fault.FULL),
}

HINTS: Mapping[Fault, str] = {
    Fault.RETRY: "Run the same transaction again.",
    Fault.LOCKED: "Another session holds the lock; try again when it is done.",
    Fault.DUPLICATE: "Read what is stored under that key.",
    Fault.LOST: "Nothing was committed: connect again and run the same transaction.",
    Fault.UNKNOWN: "Ask the database by the request's key before sending it again.",
    Fault.READ_ONLY: "Find the server that takes writes, or wait until this one does.",
    Fault.DENIED: "Connect as a role that has the right, or grant it.",
    Fault.FULL: "Free some space on the server's disk, then run it again.",
}

# What a database without the schema, or with an older one, says: no table, routine, column.
_NO_SCHEMA = frozenset({"42P01", "42883", "42703", "1146", "1305", "1054"})
_NO_SCHEMA_HINT = "See whether the schema is there, and whole: stockops migrate status"


def of_sqlstate(sqlstate: str) -> Fault:
    """Return what PostgreSQL's `sqlstate` means."""
    return POSTGRESQL.get(sqlstate) or POSTGRESQL.get(sqlstate[:2]) or Fault.OTHER


def of_errno(errno: int, message: str) -> Fault:
    """Return what MariaDB's `errno` means; a few need the `message` as well."""
    part, fault = _MARIADB_TEXTS.get(errno, ("", Fault.OTHER))
    return fault if part and part in message else MARIADB.get(errno, Fault.OTHER)


def server_error(message: str, *, fault: Fault, code: str) -> ServerError:
    """Return the error for `message`, with the next step that its `fault` calls for."""
    sentence = " ".join(message.split()) or "the server gave no reason"
    return ServerError(
        f"{sentence} ({code})" if code else sentence,
        fault=fault,
        code=code,
        hint=HINTS.get(fault) or (_NO_SCHEMA_HINT if code in _NO_SCHEMA else None),
    )


def gone(*, committing: bool, code: str) -> ServerError:
    """Return the error for a connection that went; `committing` if it may have committed."""
    if committing:
        sentence = "the connection was lost and the server may have committed"
        return server_error(sentence, fault=Fault.UNKNOWN, code=code)
    sentence = "the connection was lost before anything was committed"
    return server_error(sentence, fault=Fault.LOST, code=code)
