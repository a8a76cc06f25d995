"""
Ask several invariants in one pass over what all of them read.

A pass, ``sql/<engine>/books_together/<name>.sql``, answers for each of its invariants what it
looked at and how many rows may violate it: more than do, perhaps, and never fewer. Where none may,
the invariant held. Else it is asked by its own statement, which alone says what is wrong. So it is
with what is new since a proof: `SINCE` are the passes over that.

What many statements count, each table's rows, is counted once.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from .. import queries
from ..engine.base import Server
from ..errors import Unsupported
from . import invariants, since
from .invariants import Invariant

PASSES = {
    "ledger": (
        "trade_sides",
        "self_trade",
        "fees",
        "tax",
        "trade_journal",
        "journal_zero",
        "global_zero",
        "cash",
        "holdings",
        "inventory",
        "settlement",
        "house_balances",
        "corporate_actions",
        "orphans",
    ),
}
SINCE = {
    "new_trades": (
        "trade_sides",
        "self_trade",
        "fees",
        "tax",
        "trade_journal",
        "journal_zero",
        "global_zero",
        "orphans",
    ),
    "moved_positions": ("holdings",),
    "new_keys": ("one_order_per_key",),
}

_JUDGED = re.compile(r"\bFROM judged\b")
_COUNTED = re.compile(r"\(SELECT count\(\*\) FROM (orders|trades|journal_entries|audit_log)\)")


def groups(
    server: Server, asked: Sequence[Invariant], params: Mapping[str, object] | None = None
) -> Iterator[tuple[Invariant | None, list[Invariant]]]:
    """
    Yield all of `asked`, those of one pass together with it; the others alone, with none.

    With `params` they are asked of what is new since a proof. A statement that is not the package's
    own is asked alone: no pass knows what it says. So are a few invariants of a pass that answers
    for many.
    """
    alone = list(asked)
    for name, members in (PASSES if params is None else SINCE).items():
        here = [each for each in alone if each.name in members and _is_own(server, each)]
        found = _pass(server, name, params)
        if found and 2 * len(here) > len(members):
            alone = [each for each in alone if each not in here]
            yield found, here
    yield from ((None, [each]) for each in alone)


def counted(server: Server, invariant: Invariant, known: dict[str, int]) -> Invariant:
    """Return `invariant` with numbers for counts of whole tables, found in `known` or put there."""

    def number(match: re.Match[str]) -> str:
        table = match[1]
        if table not in known:
            known[table] = int(server.rows(f"SELECT count(*) AS n FROM {table}")[0]["n"])  # noqa: S608
        return f"({known[table]} + 0)"

    if invariant.params is not None:  # of what is new: these tables are not read whole
        return invariant
    return replace(invariant, sql=_COUNTED.sub(number, invariant.sql))


def suspects(server: Server, asked: Invariant) -> dict[str, tuple[int, int, str]]:
    """
    Return, for each invariant of the pass `asked`, what it looked at, how many rows may violate it,
    and a note.
    """
    return {
        # A sum over nothing is no number: then no pass can tell.
        row["name"]: (
            int(row["looked_at"] or 0),
            1 if row["suspects"] is None else int(row["suspects"]),
            row.get("note") or "",
        )
        for row in server.rows(asked.sql, asked.params)
    }


def overlooked(server: Server, invariant: Invariant) -> bool:
    """Return whether the pass that `invariant` is of suspects nothing; not where there is none."""
    for name, members in PASSES.items():
        found = _pass(server, name, None)
        if found and invariant.name in members and _is_own(server, invariant):
            return not suspects(server, found)[invariant.name][1]
    return False


def _is_own(server: Server, invariant: Invariant) -> bool:
    """Return whether `invariant` is the package's; what is asked of what is new always is."""
    [own] = invariants.load(server, [invariant.name])
    return invariant.params is not None or invariant == own


def _pass(server: Server, name: str, params: Mapping[str, object] | None) -> Invariant | None:
    try:
        sql = queries.text(server.engine, f"books_together/{name}", server.version[0])
    except Unsupported:
        return None
    asked = Invariant(name, "", sql)
    if params is None:
        return asked
    if _JUDGED.search(sql):
        asked = replace(asked, sql=_judging(server, sql))
    return since.prefixed(server, asked, params)


def _judging(server: Server, sql: str) -> str:
    """Return `sql` after what judges each trade in the pass over all of them, of new ones."""
    whole = queries.text(server.engine, "books_together/ledger", server.version[0])
    begin, end = whole.index("WITH RECURSIVE "), whole.index("dealt AS (")
    judged = since.narrow(whole[begin:end], {"trades": "new_trades"})
    return sql.replace("WITH ", judged, 1)
