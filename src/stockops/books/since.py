"""
Ask an invariant of what is new since a proof only.

Most invariants keep their statement: the tables that it reads are narrowed, each to a relation in
``sql/<engine>/books_since``, which becomes a common table expression before it. What has to be
carried over is in the tables of the proof: it comes first in a table expression of the statement.
`settlement` has a statement of its own there. What is not in `NARROWED` or `OWN` is asked of
everything, as in a whole check.
"""

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from .. import queries
from ..engine.base import Server
from ..errors import Finding
from . import snapshots
from .invariants import Invariant

# What many statements look rows up by is found once, as text that the engine's own statements
# understand; each of a group may ask for what was found before it, and groups may be asked for at
# the same time: the one that takes longest first.
KEYS = (
    ("moved_position_sums",),
    ("open_order_ids", "old_order_ids", "unsettled_from", "condition_ids", "counts"),
)
# Rows of these are counted once, too.
_COUNTED = re.compile(
    r"\(SELECT count\(\*\) FROM "
    r"(new_orders|new_trades|new_journal_entries|new_audit_log|keyed_orders|recent_orders"
    r"|touched_orders)\)"
)
_WORD = re.compile(r"\w+")
_PARAM = re.compile(r"%\((\w+)\)s")
# Each reads those before it only.
RELATIONS = (
    "seen",
    "new_orders",
    "new_trades",
    "new_journal_entries",
    "new_audit_log",
    "new_notifications",
    "open_orders",
    "keyed_orders",
    "old_orders",
    "recent_orders",
    "touched_orders",
    "recent_fills",
    "recent_audit_log",
    "dealt_trades",
    "named_trades",
    "carried_cash",
    "house_entries",
    "moved_positions",
    "recent_positions",
    "position_entries",
    "carried_costs",
    "new_action_lines",
    "named_orders",
    "action_entries",
    "recent_auctions",
    "recent_balances",
    "carried_balances",
    "new_seals",
    "sealed_texts",
    "proven_seal",
    "changed_seals",
    "recent_predictions",
    "recent_conditions",
    "condition_orders",
    "condition_audit_log",
    "condition_notices",
)

_TRADED = {"trades": "new_trades", "orders": "named_orders"}
_ENTERED = {"journal_entries": "new_journal_entries"}
_OPEN = {"orders": "open_orders"}

# Of each invariant, what is read instead of a table. A table AS a name is that one mention of it.
NARROWED: Mapping[str, Mapping[str, str]] = {
    "journal_zero": _ENTERED,
    "global_zero": _ENTERED,
    "cash": {"journal_entries": "carried_cash"},
    "holdings": {"journal_entries": "position_entries", "positions": "recent_positions"},
    "cost": {
        **_TRADED,
        **_ENTERED,
        "corporate_action_lines": "new_action_lines",
        "positions": "recent_positions",
    },
    "inventory": {"journal_entries": "house_entries"},
    "reserved_cash": _OPEN,
    "reserved_shares": _OPEN,
    "one_order_per_key": {"orders": "keyed_orders"},
    "order_fills": {"orders": "touched_orders", "trades": "recent_fills"},
    "trade_sides": _TRADED,
    "self_trade": _TRADED,
    "trade_journal": _TRADED | _ENTERED,
    "fees": _TRADED,
    "tax": _TRADED,
    "price_band": {
        "trades AS judged": "new_trades",
        "trades AS t": "named_trades",
        "trades": "dealt_trades",
        "orders": "new_orders",
    },
    "day_prices": {"trades AS t": "named_trades", "trades": "dealt_trades"},
    "business_date": {
        "trades": "new_trades",
        "orders": "new_orders",
        "auctions": "recent_auctions",
    },
    "expiry": _OPEN,
    "book_not_crossed": _OPEN,
    "price_time_priority": {
        "trades": "new_trades",
        "orders AS q": "named_orders",
        "orders": "touched_orders",
    },
    "auction_price": {
        "trades AS t": "recent_fills",
        "trades": "new_trades",
        "orders": "recent_orders",
        "auctions": "recent_auctions",
    },
    "quarantine": {
        "orders": "new_orders",
        "predictions": "recent_predictions",
        "audit_log": "new_audit_log",
        "notifications": "new_notifications",
    },
    "conditional_orders": {
        "orders": "condition_orders",
        "conditions": "recent_conditions",
        "audit_log": "condition_audit_log",
        "notifications": "condition_notices",
    },
    "audit_complete": {"orders": "touched_orders", "audit_log": "recent_audit_log"},
    "audit_chain": {
        "before_all": "proven_seal",
        "audit_seals": "new_seals",
        "audit_canonical": "sealed_texts",
        "audit_log": "new_audit_log",
    },
    "house_balances": {"house_balances": "recent_balances"} | _ENTERED,
    "corporate_actions": {"journal_entries": "action_entries"},
    "orphans": {"journal_entries": "new_journal_entries", "audit_log": "new_audit_log"},
}
# Of each invariant, the relation that comes first in a table expression of its statement.
CARRIED: Mapping[str, tuple[str, str]] = {
    "cost": ("carried_costs", "opening"),
    "audit_chain": ("changed_seals", "wrong"),
    "house_balances": ("carried_balances", "sides"),
}
OWN = ("settlement",)
# As many orders of the proof may be written out one by one: of many times as many, MariaDB would
# rather read the whole table. Then a relation that names them so gives way to another.
_FEW = 5_000
_UNLISTED = {"touched_orders": "recent_orders"}


def with_keys(
    sessions: list[Server],
    params: Mapping[str, object],
    *,
    before: Callable[[Server], None] = lambda _: None,
) -> dict[str, object]:
    """
    Return `params` of a proof, and the keys that the statements ask for besides.

    `before` is what one session does first: with two, the other one begins to look already.
    Raises `Finding` where so much is new that the server takes no statement which names it.
    """
    found = dict(params)
    bounds = _key(sessions[0], "bounds")
    found.update(sessions[0].rows(bounds, _mentioned(bounds, params))[0])
    room = int(str(found["characters"]))

    def find(server: Server, names: tuple[str, ...]) -> None:
        if not names:
            before(server)
        for name in names:
            sql = _prefixed(server, _key(server, name))
            found.update(server.rows(sql, _mentioned(sql, found))[0])
            if len(str(found.get(name))) >= room:
                raise Finding(
                    "too much is new since the proof to be checked by itself",
                    hint="Prove the books anew with: stockops books check --prove",
                )

    snapshots.each_once(sessions, [(), *KEYS], find)
    old = str(found["old_order_ids"] or "")
    if old.count(",") < _FEW:
        # An empty list is none that SQL knows.
        found["few_order_ids"] = [*map(int, re.findall(r"-?\d+", old))] or [None]
    return found


def narrowed(server: Server, invariant: Invariant, params: Mapping[str, object]) -> Invariant:
    """Return `invariant` as it is asked of what is new; itself where it is asked of everything."""
    if invariant.name in OWN:
        sql = _text(server, invariant.name)
    elif invariant.name in NARROWED:
        tables = NARROWED[invariant.name]
        if "few_order_ids" not in params:
            tables = {table: _UNLISTED.get(name, name) for table, name in tables.items()}
        sql = narrow(invariant.sql, tables)
        # Plus 0, for a small number by itself is of a type that is soon exceeded.
        sql = _COUNTED.sub(r"(%(\1_count)s + 0)", sql)
        if invariant.name in CARRIED:
            sql = _carry(sql, *CARRIED[invariant.name])
    else:
        return invariant
    return prefixed(server, replace(invariant, sql=sql), params)


def prefixed(server: Server, invariant: Invariant, params: Mapping[str, object]) -> Invariant:
    """Return `invariant` with the relations that it reads before it, and those of `params`."""
    sql = _prefixed(server, invariant.sql)
    return replace(invariant, sql=sql, params=_mentioned(sql, params))


def narrow(sql: str, tables: Mapping[str, str]) -> str:
    """Return `sql` with relations in place of `tables`."""
    names = "|".join(sorted(tables, key=len, reverse=True))  # the one mention before all others
    # A relation has no index that a hint could name.
    hint = r"(?: (?:FORCE|IGNORE|USE) INDEX \(\w+\))?"

    def instead(match: re.Match[str]) -> str:
        alias = match[2].partition(" ")[2] or (match[3] or "").strip()
        return f"{match[1]} {tables[match[2]]} {alias}".rstrip()

    return re.sub(rf"(FROM|JOIN) ({names})\b( AS \w+)?{hint}", instead, sql)


def _carry(sql: str, relation: str, expression: str) -> str:
    begins = f"{expression} AS (\n"
    return sql.replace(begins, f"{begins}    SELECT * FROM {relation}\n    UNION ALL\n", 1)  # noqa: S608


def _prefixed(server: Server, sql: str) -> str:
    """Return `sql` with the relations that it reads before it."""
    read = _read_by(server.engine, server.version[0])
    words = _WORD.findall(sql)
    wanted = set().union(*(read[word] for word in {*words} & read.keys()))
    made = [
        f"{name} AS (\n{_text(server, name).rstrip()}\n)" for name in RELATIONS if name in wanted
    ]
    return re.sub(
        r"^WITH (RECURSIVE )?", lambda m: m[0] + "".join(f"{each},\n" for each in made), sql,
        count=1, flags=re.MULTILINE,
    )  # fmt: skip


@functools.cache
def _read_by(engine: str, major: int) -> dict[str, frozenset[str]]:
    """Return of each relation what has to be there for it: itself, and all that it reads."""
    read: dict[str, frozenset[str]] = {}
    for name in RELATIONS:
        words = {*_WORD.findall(queries.text(engine, f"books_since/{name}", major))}
        read[name] = frozenset({name}).union(*(read[word] for word in words & read.keys()))
    return read


def _mentioned(sql: str, params: Mapping[str, object]) -> dict[str, object]:
    """Return those of `params` that `sql` asks for: a client writes out all that it is given."""
    return {name: params[name] for name in {*_PARAM.findall(sql)} & {*params}}


def _key(server: Server, name: str) -> str:
    return queries.text(server.engine, f"books_keys/{name}", server.version[0])


def _text(server: Server, name: str) -> str:
    return queries.text(server.engine, f"books_since/{name}", server.version[0])
