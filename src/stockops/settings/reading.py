"""Ask a server for its settings and counters; what it does not say is missing, with the reason."""

from collections.abc import Mapping
from typing import Any

from .. import queries
from ..engine.base import Server
from ..errors import Fault, ServerError, Unsupported
from ..targets import Target
from . import machine as machines
from .facts import (
    PENDING,
    UNSAVED,
    WINDOW_S_MIN,
    Context,
    Counter,
    Facts,
    Kind,
    Missing,
    Setting,
    Value,
)

# Each is a file of SQL, and the first part of the names of what it counts.
GROUPS = (
    "accounts",
    "checkpoints",
    "databases",
    "extensions",
    "replication",
    "sessions",
    "size",
    "statements",
    "status",
    "tables",
    "wal",
)
_STATISTICS = "Let it read them: GRANT pg_read_all_stats TO {role};"
_PROCESS = "Let it read them: GRANT PROCESS ON *.* TO {role};"
_HINTS = {
    ("postgresql", "settings"): "Let it see them: GRANT pg_read_all_settings TO {role};",
    ("postgresql", "sessions"): _STATISTICS,
    ("postgresql", "size"): _STATISTICS,
    ("postgresql", "statements"): "Make it: CREATE EXTENSION pg_stat_statements;",
    ("mariadb", "sessions"): _PROCESS,
    ("mariadb", "size"): _PROCESS,
    ("mariadb", "accounts"): "Let it read them: GRANT SELECT ON mysql.user TO {role};",
}
_CONTEXTS: Mapping[str, Context] = {
    "internal": "stopped",
    "postmaster": "restart",
    "sighup": "reload",
    "superuser": "reload",
    "user": "reload",
    "superuser-backend": "new sessions",
    "backend": "new sessions",
}
_BYTES = {"B": 1, "kB": 1024, "8kB": 8192, "MB": 1024**2, "GB": 1024**3}
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_COUNTS = {"thread_cache_size", "host_cache_size", "thread_pool_size"}


def read(target: Target, server: Server, *, window_s_min: float = WINDOW_S_MIN) -> Facts:
    """Return what `server` and the machine under it say; nothing is written, nothing locked."""
    [said] = _rows(server, "server")
    role = _quoted_role(server.engine, str(said["role"]))
    settings = {row["name"]: _setting(server.engine, row) for row in _rows(server, "values")}
    [pending] = _rows(server, "pending")
    name = PENDING if server.engine == "postgresql" else UNSAVED
    counters, missing = _counters(server, role)
    if said.get("sees_settings", True):
        settings[name] = Setting(
            name=name,
            value=int(pending["value"]),
            kind="number",
            context="restart",
            source=str(pending["note"]),
        )
    else:
        why = f"the role {role} may not see all settings"
        missing["settings"] = Missing(why, _hint(server.engine, "settings", role))
    seen = machines.Seen(
        engine=server.engine,
        started_s=float(said["started_s"]),
        pid=server.session_id if server.engine == "postgresql" else None,
        pid_started_s=said.get("session_started_s"),
        data_directory=said["data_directory"],
    )
    return Facts(
        engine=server.engine,
        version=server.version,
        database=target.database,
        machine=machines.find(target, seen),
        settings=settings,
        counters=counters,
        missing=missing,
        window_s_min=window_s_min,
    )


def _counters(server: Server, role: str) -> tuple[dict[str, Counter], dict[str, Missing]]:
    counters, missing = {}, {}
    for group in GROUPS:
        hint = _hint(server.engine, group, role)
        try:
            rows = _rows(server, group)
        except Unsupported:
            continue
        except ServerError as exc:
            if exc.fault in {Fault.LOST, Fault.UNKNOWN}:
                raise
            missing[group] = Missing(f"{group}: {exc}", hint or exc.hint or "")
            continue
        if not rows:
            missing[group] = Missing(f"the role {role} may not read what is called {group}", hint)
        for row in rows:
            if row["value"] is not None:
                parts = (row["value"], row["window_s"], row["hourly"])
                numbers = [None if each is None else float(each) for each in parts]
                counters[str(row["name"])] = Counter(numbers[0] or 0.0, numbers[1], numbers[2])
    return counters, missing


def _rows(server: Server, name: str) -> list[dict[str, Any]]:
    return server.rows(queries.text(server.engine, f"settings/{name}", server.version[0]))


def _hint(engine: str, group: str, role: str) -> str:
    return _HINTS.get((engine, group), "").format(role=role)


def _quoted_role(engine: str, role: str) -> str:
    if engine == "postgresql":
        return '"' + role.replace('"', '""') + '"'
    user, _, host = role.rpartition("@")
    return f"'{user}'@'{host}'"


def _setting(engine: str, row: Mapping[str, Any]) -> Setting:
    if engine == "postgresql":
        return _of_postgresql(row)
    return _of_mariadb(row)


def _of_postgresql(row: Mapping[str, Any]) -> Setting:
    name, text, unit, kind = row["name"], row["value"] or "", row["unit"], row["vartype"]
    context = _CONTEXTS[row["context"]]
    choices = tuple(row["choices"] or ())
    value: Value = text
    if kind == "bool":
        value = text == "on"
        return Setting(name=name, value=value, kind="flag", context=context, source=row["source"])
    if kind in {"integer", "real"}:
        number = int(text) if kind == "integer" else float(text)
        if unit in _BYTES:
            value = number * _BYTES[unit] if number > 0 else number
            return Setting(name=name, value=value, kind="bytes", context=context)
        if unit in _SECONDS:
            value = round(number * _SECONDS[unit], 6) if number > 0 else number
            return Setting(name=name, value=value, kind="seconds", context=context)
        return Setting(name=name, value=number, kind="number", context=context)
    return Setting(
        name=name,
        value=text,
        kind="list" if name.endswith("_preload_libraries") else "text",
        context=context,
        source=row["source"],
        choices=choices,
    )


def _of_mariadb(row: Mapping[str, Any]) -> Setting:
    name, text, vartype = row["name"], str(row["value"]), str(row["vartype"])
    value: Value = text
    kind: Kind = "text"
    if text in {"ON", "OFF"}:
        value, kind = text == "ON", "flag"
    elif "INT" in vartype or vartype == "DOUBLE":
        value, kind = float(text) if vartype == "DOUBLE" else int(text), _measure(name)
    return Setting(
        name=name,
        value=value,
        kind=kind,
        context=row["context"],
        source=str(row["source"]),
        choices=tuple((row["choices"] or "").split(",")),
        is_option=bool(row["is_option"]),
    )


def _measure(name: str) -> Kind:
    if name == "max_allowed_packet" or (name.endswith("_size") and name not in _COUNTS):
        return "bytes"
    if name.endswith(("_timeout", "_query_time", "_seconds", "statement_time")):
        return "seconds"
    return "number"
