"""The verdict on a run: what was expected, and what was measured."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .. import counts
from .head import Expect, Terms
from .history import Measured, StepRun, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """The names of the invariants that did not hold, and of those with nothing to look at."""

    violated: Sequence[str] = ()
    inconclusive: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """
    All that a verdict stands on.

    `green` is why the run without a fault was not good, `bite` what showed that the fault was in
    effect, `unsteady` why orders did not go on as before, `unread` why the database could not be
    asked; None each where there is nothing to say. `silent` are the alerts that were expected, and
    not even pending.
    """

    green: str | None
    bite: str | None
    unsteady: str | None
    unread: str | None
    books: Books
    measured: Measured
    failed: Sequence[StepRun]
    silent: Sequence[str] = ()


def judge(terms: Terms, evidence: Evidence) -> tuple[Verdict, tuple[str, ...]]:
    """
    Return the verdict, and why it is not a PASS.

    Loss is said only of what was read from the database after all clients had ended: where it
    could not be read the verdict is UNKNOWN, never FAIL and never PASS.
    """
    if evidence.green is not None:
        return Verdict.ABORTED, (f"without any fault: {evidence.green}",)
    if evidence.bite is None:
        reasons = tuple(_damage(terms, evidence))
        return (
            Verdict.FAIL if reasons else Verdict.NOT_INJECTED,
            ("nothing shows that the fault was in effect", *reasons),
        )
    reasons = tuple(_failures(terms, evidence))
    if reasons:
        return Verdict.FAIL, reasons
    if terms.expect.orders_suffer and evidence.measured.suffered is None:
        return Verdict.NOT_INJECTED, ("no order failed or was late, before anybody recovered",)
    open_questions = tuple(_unknowns(terms.expect, evidence))
    if open_questions:
        return Verdict.UNKNOWN, open_questions
    return Verdict.PASS, ()


def _failures(terms: Terms, evidence: Evidence) -> Iterator[str]:
    found, expect = evidence.measured, terms.expect
    yield from _damage(terms, evidence)
    if found.structure_findings:
        yield f"{found.structure_findings} structures of the database are damaged"
    if evidence.unsteady is not None:
        yield f"orders did not go on as before: {evidence.unsteady}"
    if found.rto_s is not None and found.rto_s > expect.rto_s:
        yield f"recovery took {found.rto_s:.1f} s ({expect.rto_s:g} expected)"
    yield from _untold(terms, evidence)
    for step in evidence.failed:
        yield f"{step.section}: {step.text!r} left with {step.exit_code}"


def _damage(terms: Terms, evidence: Evidence) -> Iterator[str]:
    """Yield what is wrong with orders and books, which no fault excuses."""
    yield from _gone(evidence.measured, terms.expect)
    if violated := _expected(terms.expect, evidence.books.violated):
        yield f"the books do not balance: {', '.join(violated)} violated"


def _expected(expect: Expect, names: Sequence[str]) -> list[str]:
    """Return those of the invariants `names` that have to hold."""
    return [each for each in names if not expect.invariants or each in expect.invariants]


def _gone(found: Measured, expect: Expect) -> Iterator[str]:
    """Yield what is wrong with the orders that are there, and with those that are not."""
    if found.lost is not None and found.lost > expect.acked_lost:
        lost = counts.of(found.lost, "acknowledged order is", "acknowledged orders are")
        yield f"{lost} lost ({expect.acked_lost} allowed)"
    if (why := _miscounted(found)) is not None:
        yield why
    if found.ghosts:
        yield f"{found.ghosts} orders are there that nobody sent, or that were refused"
    if found.duplicates:
        yield f"{counts.of(found.duplicates, 'order is', 'orders are')} there more than once"


def _miscounted(found: Measured) -> str | None:
    """
    Return how the count of a failover differs from that of the journal; None where it does not.

    It counts the orders in the log that the new primary never got: those that were acknowledged
    and are lost, and those whose answer nobody heard.
    """
    if found.told_lost is None or found.lost is None:
        return None
    orders = found.lost - found.lost_cancels
    if orders <= found.told_lost <= orders + found.unknown:
        return None
    return (
        f"the failover counted {counts.of(found.told_lost, 'lost order')}, and the journal "
        f"{orders} that were acknowledged and {found.unknown} that were never answered"
    )


def _untold(terms: Terms, evidence: Evidence) -> Iterator[str]:
    told_s, within_s = evidence.measured.detected_s, terms.detect.within_s
    if terms.detect.checks and told_s is None:
        yield f"no health check told of it ({', '.join(terms.detect.checks)})"
    elif told_s is not None and told_s > within_s:
        yield f"a health check told of it after {told_s:.1f} s ({within_s:g} expected)"
    for name in evidence.silent:
        yield f"the alert {name} was not even pending"


def _unknowns(expect: Expect, evidence: Evidence) -> Iterator[str]:
    found = evidence.measured
    if evidence.unread is not None:
        yield evidence.unread
    elif found.lost is None:
        yield "nobody paired the orders with the database"
    if not found.acknowledged:
        yield "no order was acknowledged"
    if found.books_checked == 0:
        yield "no invariant of the books was checked"
    if inconclusive := _expected(expect, evidence.books.inconclusive):
        yield f"nothing to look at for: {', '.join(inconclusive)}"
