"""From what the clients, the checks and the database say to the figures of a run."""

from dataclasses import replace
from pathlib import Path

from .. import books, journal, replication
from ..backups import proving
from ..engine import connect
from ..errors import StockopsError
from ..lab import Lab
from ..targets import Target
from . import controls
from .head import Terms
from .history import Measured
from .judging import Books
from .load import Orders
from .timeline import Timeline
from .watching import Watch

USUAL_NS = 2_000_000_000  # so long before the fault is what is usual


def felt(
    terms: Terms, orders: Orders, watch: Watch, *, zero_ns: int, act_ns: int, end_ns: int
) -> Measured:
    """Return the times, in seconds since the injection, that clients and checks felt."""
    timeline = Timeline(orders.answered, orders.failed)
    steady = terms.steady

    def since(at_ns: int | None) -> float | None:
        return None if at_ns is None else round((at_ns - zero_ns) / 1e9, 3)

    told = watch.first(terms.detect.checks, since_ns=zero_ns)
    back_ns = timeline.back_ns(steady, begin_ns=zero_ns, end_ns=end_ns) or zero_ns
    new_ns = watch.back_ns(since_ns=zero_ns) or zero_ns
    after = [each.ended_ns for each in orders.answered if each.began_ns >= act_ns]
    return Measured(
        suffered=timeline.suffering(before_ns=zero_ns - USUAL_NS, zero_ns=zero_ns, until_ns=act_ns),
        first_bad_s=since(timeline.first_bad_ns(steady, begin_ns=zero_ns, end_ns=end_ns)),
        detected_s=since(told[0]) if told else None,
        detected_by=told[1] if told else None,
        act_s=since(act_ns),
        first_ack_s=since(min(after, default=None)),
        rto_s=since(max(back_ns, new_ns)),
        calm_s=since(timeline.calm_ns(steady, begin_ns=zero_ns, end_ns=end_ns)),
        gap_s=round(timeline.longest_gap(zero_ns, end_ns).length_s, 3),
    )


def read(
    found: Measured, orders: Orders, authority: Target, folder: Path
) -> tuple[Measured, Books, str | None]:
    """
    Return `found` with what the database says, the books, and why that is no answer, if so.

    Every client has ended: what is read now is all there is.
    """
    try:
        with connect(authority) as server:
            said = journal.audit(server, orders.journal)
        with connect(authority) as server:
            results = books.check(server)
        seeing = controls.sees_a_lost_order(authority, folder, orders.journal)
    except StockopsError as exc:
        return found, Books(), f"the database could not be read afterwards: {exc}"
    return (
        replace(
            found,
            acknowledged=said.acknowledged,
            lost=said.findings["missing"],
            lost_cancels=said.missing_cancels,
            ghosts=said.findings["never_sent"] + said.findings["contradictory"],
            duplicates=said.findings["duplicate"],
            unknown=orders.unknown,
            settled=orders.settled + said.resolved_committed + said.resolved_absent,
            books_held=sum(each.state == "held" for each in results),
            books_checked=len(results),
        ),
        Books(
            violated=tuple(each.name for each in results if each.state == "violated"),
            inconclusive=tuple(each.name for each in results if each.state == "inconclusive"),
        ),
        None if seeing else "the audit does not see an order that is lost: the control stays green",
    )


def handover(found: Measured, lab: Lab) -> Measured:
    """Return `found` with what the promotion of `lab`, where it took over, counted as lost."""
    said = replication.told(lab)
    if said is None or said.unread:
        return found
    orders = (rows for table, rows in said.new_rows.items() if table.endswith(".orders"))
    return replace(found, told_lost=sum(orders))


def structures(found: Measured, lab: Lab) -> Measured:
    """Return `found` with how many structures of the server are damaged."""
    return replace(found, structure_findings=len(proving.structures(lab).findings))
