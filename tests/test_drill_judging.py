"""The verdict on a drill: what makes it red, what leaves it open, and what the clients felt."""

from dataclasses import replace

import pytest

from stockops.drills import controls, judging
from stockops.drills.comparing import compare
from stockops.drills.head import Abort, Detect, Expect, Load, Steady, Terms
from stockops.drills.history import Measured, StepRun, Verdict
from stockops.drills.judging import Books, Evidence
from stockops.drills.timeline import Timeline
from stockops.workload import Answered, Failed

TERMS = Terms(
    args={},
    load=Load(),
    steady=Steady(gap_ms=500, p99_ms=250),
    abort=Abort(),
    detect=Detect(within_s=5.0, checks=("blocking",)),
    expect=Expect(rto_s=10.0, acked_lost=0),
)
GOOD = Evidence(
    green=None,
    bite="it bites",
    unsteady=None,
    unread=None,
    books=Books(),
    measured=Measured(
        detected_s=1.0,
        detected_by="blocking: 2",
        rto_s=3.0,
        acknowledged=100,
        lost=0,
        ghosts=0,
        duplicates=0,
        books_held=27,
        books_checked=27,
        structure_findings=0,
    ),
    failed=(),
)
STEP = StepRun(
    text="x", section="Recover", mark="auto", at_s=0, took_s=0, exit_code=3, said="no server"
)
S = 1_000_000_000


def with_measured(**changed: object) -> Evidence:
    return replace(GOOD, measured=replace(GOOD.measured, **changed))  # type: ignore[arg-type]


def test_what_came_out_as_expected_passes() -> None:
    assert judging.judge(TERMS, GOOD) == (Verdict.PASS, ())


def test_a_failover_that_counts_what_it_lost_is_held_against_the_journal() -> None:
    terms = replace(TERMS, expect=replace(TERMS.expect, acked_lost=20))
    for told, agree in ((11, False), (12, True), (14, True), (15, False)):
        evidence = with_measured(lost=15, lost_cancels=3, unknown=2, told_lost=told)
        assert (judging.judge(terms, evidence)[0] is Verdict.PASS) is agree, told


@pytest.mark.parametrize(
    ("evidence", "verdict", "why"),
    [
        (replace(GOOD, green="2 errors"), Verdict.ABORTED, "without any fault: 2 errors"),
        (replace(GOOD, bite=None), Verdict.NOT_INJECTED, "nothing shows that the fault"),
        (with_measured(lost=1), Verdict.FAIL, "1 acknowledged order is lost (0 allowed)"),
        (with_measured(ghosts=2), Verdict.FAIL, "2 orders are there that nobody sent"),
        (with_measured(duplicates=1), Verdict.FAIL, "1 order is there more than once"),
        (with_measured(told_lost=1), Verdict.FAIL, "the failover counted 1 lost order"),
        (with_measured(structure_findings=1), Verdict.FAIL, "1 structures"),
        (with_measured(rto_s=10.1), Verdict.FAIL, "recovery took 10.1 s (10 expected)"),
        (with_measured(detected_s=None), Verdict.FAIL, "no health check told of it (blocking)"),
        (with_measured(detected_s=5.1), Verdict.FAIL, "told of it after 5.1 s (5 expected)"),
        (replace(GOOD, unsteady="3 errors"), Verdict.FAIL, "orders did not go on as before"),
        (replace(GOOD, failed=[STEP]), Verdict.FAIL, "Recover: 'x' left with 3"),
        (replace(GOOD, books=Books(violated=("cash",))), Verdict.FAIL, "cash violated"),
        (replace(GOOD, books=Books(inconclusive=("cash",))), Verdict.UNKNOWN, "nothing to look"),
        (replace(GOOD, unread="it is gone"), Verdict.UNKNOWN, "it is gone"),
        (with_measured(lost=None), Verdict.UNKNOWN, "nobody paired the orders"),
        (with_measured(acknowledged=0), Verdict.UNKNOWN, "no order was acknowledged"),
        (with_measured(books_checked=0, books_held=0), Verdict.UNKNOWN, "no invariant"),
    ],
)
def test_whatever_else_came_out_does_not(evidence: Evidence, verdict: Verdict, why: str) -> None:
    found, reasons = judging.judge(TERMS, evidence)
    assert found is verdict
    assert any(why in each for each in reasons), reasons


def test_a_loss_that_is_allowed_is_no_failure() -> None:
    terms = replace(TERMS, expect=replace(TERMS.expect, acked_lost=3))
    assert judging.judge(terms, with_measured(lost=3))[0] is Verdict.PASS


def answers(*ended_s: float, took_s: float = 0.01) -> list[Answered]:
    return [Answered(int((each - took_s) * S), int(each * S)) for each in ended_s]


def test_a_freeze_gives_no_error_and_is_an_outage() -> None:
    times = [n / 10 for n in range(1, 31)] + [5.5] + [5.5 + n / 10 for n in range(1, 20)]
    timeline = Timeline(answers(*times), [])
    steady, span = TERMS.steady, {"begin_ns": 2 * S, "end_ns": 7 * S}
    assert timeline.longest_gap(**span).length_s == pytest.approx(2.5)
    assert timeline.back_ns(steady, **span) == pytest.approx(5.5 * S)
    assert timeline.first_bad_ns(steady, **span) == pytest.approx(3.5 * S)
    assert "without an acknowledgement" in str(timeline.steady(steady, **span))
    assert timeline.steady(steady, begin_ns=S, end_ns=3 * S) is None


def test_errors_and_late_orders_are_not_steady() -> None:
    times = [n / 10 for n in range(1, 60)]
    errors = [Failed(2 * S, "full")]
    steady = TERMS.steady
    assert Timeline(answers(*times), errors).steady(steady, begin_ns=S, end_ns=3 * S) == "1 errors"
    slow = Timeline(answers(*times, took_s=0.4), [])
    assert "99th percentile" in str(slow.steady(steady, begin_ns=S, end_ns=3 * S))
    assert slow.back_ns(steady, begin_ns=S, end_ns=3 * S) is None


def test_orders_suffer_where_they_fail_hang_or_take_long_against_what_was_usual() -> None:
    before, zero, until = 1 * S, 3 * S, 5 * S
    times = [n / 10 for n in range(1, 60)]
    calm = answers(*times)

    def suffering(answered: list[Answered], *failed: Failed) -> str | None:
        timeline = Timeline(answered, failed)
        return timeline.suffering(before_ns=before, zero_ns=zero, until_ns=until)

    assert suffering(calm) is None
    assert suffering(calm, Failed(2 * S, "full"), Failed(6 * S, "full")) is None
    assert suffering(calm, Failed(4 * S, "full")) == "1 errors"
    hung = [each for each in calm if not 3.95 * S < each.ended_ns < 4.35 * S]
    assert suffering(hung) is None
    hung = [each for each in calm if not 3.95 * S < each.ended_ns < 4.45 * S]
    assert suffering(hung) == "600 ms without an acknowledgement (100 before)"
    hung = [each for each in calm if each.ended_ns < 4.25 * S]
    assert "without an acknowledgement" in str(suffering(hung))
    late = [replace(each, began_ns=each.ended_ns - S) for each in calm if each.ended_ns > zero]
    assert suffering([*calm[:30], *late]) == "an order took 1000 ms (10 before)"


def test_where_orders_have_to_suffer_and_do_not_nothing_is_proven() -> None:
    terms = replace(TERMS, expect=replace(TERMS.expect, orders_suffer=True))
    verdict, reasons = judging.judge(terms, GOOD)
    assert verdict is Verdict.NOT_INJECTED
    assert reasons == ("no order failed or was late, before anybody recovered",)
    assert judging.judge(terms, with_measured(suffered="2 errors"))[0] is Verdict.PASS
    assert judging.judge(terms, with_measured(lost=1))[0] is Verdict.FAIL


def test_what_is_lost_is_said_whether_the_fault_was_seen_or_not() -> None:
    verdict, reasons = judging.judge(TERMS, replace(with_measured(lost=1), bite=None))
    assert verdict is Verdict.FAIL
    assert reasons == (
        "nothing shows that the fault was in effect",
        "1 acknowledged order is lost (0 allowed)",
    )


def test_only_the_invariants_that_a_drill_names_are_held() -> None:
    named = replace(TERMS, expect=replace(TERMS.expect, invariants=("cash", "orphans")))
    books = Books(violated=("shares",), inconclusive=("quarantine",))
    assert judging.judge(named, replace(GOOD, books=books))[0] is Verdict.PASS
    assert judging.judge(TERMS, replace(GOOD, books=books))[0] is Verdict.FAIL
    books = Books(violated=("shares", "cash"))
    verdict, reasons = judging.judge(named, replace(GOOD, books=books))
    assert (verdict, reasons) == (Verdict.FAIL, ("the books do not balance: cash violated",))
    books = Books(inconclusive=("orphans", "shares"))
    verdict, reasons = judging.judge(named, replace(GOOD, books=books))
    assert (verdict, reasons) == (Verdict.UNKNOWN, ("nothing to look at for: orphans",))


def test_nothing_run_is_no_table() -> None:
    assert compare([]) == []
    assert not controls.all_red([])
