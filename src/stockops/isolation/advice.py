"""What the measured cells allow to say: each sentence is made of their numbers."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from .. import counts
from ..errors import Finding
from .cells import LOCK_NAMES, WORDS, Locks
from .running import Measured, Outcome

NOISE = 0.10  # of one run against another; a smaller difference is none
_OURS = ("read committed", "ordered")


@dataclass(frozen=True, slots=True)
class _Variant:
    """A level with a way to lock, under every load that was measured."""

    isolation: str
    locks: Locks
    outcomes: tuple[Outcome, ...]

    @property
    def words(self) -> str:
        locks = WORDS[self.locks]
        return f"{self.level} {f'with {locks}' if self.locks != 'none' else 'without locks'}"

    @property
    def level(self) -> str:
        """The level in capitals, with the switch where there is one."""
        level, comma, switch = self.isolation.partition(", ")
        return f"{level.upper()} ({switch})" if comma else level.upper()

    @property
    def violations(self) -> int:
        return sum(each.violations for each in self.outcomes)

    @property
    def is_ours(self) -> bool:
        return (self.isolation, self.locks) == _OURS

    def may_go_stale(self, engine: str) -> bool:
        """
        Tell whether a row that was read can change before the commit without being noticed.

        Locks keep it, but at REPEATABLE READ the snapshot may be older than they are: always on
        PostgreSQL, and on MariaDB where something is read before the last of them.
        """
        if self.isolation == "serializable":
            return False
        if self.isolation == "read committed":
            return self.locks == "none"
        return engine == "postgresql" or self.locks != "ordered"

    def count(self, name: str) -> int:
        """Return an event of all loads together."""
        return sum(getattr(each, name) for each in self.outcomes)


def advice(measured: Measured) -> list[str]:
    """Return what the table supports, a sentence or two in each string."""
    variants = _variants(measured.outcomes)
    whole = [each for each in variants if not each.violations]
    proven = [each for each in whole if not each.may_go_stale(measured.engine)]
    return [
        *_broken(variants),
        *_whole(whole, [each for each in whole if each not in proven]),
        *(_busy(measured) if measured.is_busy else _fastest(proven)),
        *_deadlocks(variants),
        *_conflicts(variants),
        *_switch(variants),
        *_gave_up(variants),
    ]


def failure(measured: Measured) -> Finding | None:
    """
    Return what is wrong with the measured itself; None where nothing is.

    That is a cell in which nothing happened, and violations where there must be none: at
    SERIALIZABLE, and as stockops places its orders.
    """
    empty = [each.cell.title for each in measured.outcomes if not each.orders]
    if empty or not measured.outcomes:
        return Finding(
            f"no order was committed, so nothing was measured: {'; '.join(empty) or 'no cell'}",
            hint="Give each cell longer: --seconds 5",
        )
    wrong = [
        each.words
        for each in _variants(measured.outcomes)
        if each.violations and (each.is_ours or each.isolation == "serializable")
    ]
    if wrong:
        return Finding(
            f"the books were violated where they must hold: {'; '.join(wrong)}",
            hint="Keep the whole answer: --format json",
        )
    return None


def _variants(outcomes: Sequence[Outcome]) -> list[_Variant]:
    found: dict[tuple[str, Locks], list[Outcome]] = {}
    for each in outcomes:
        found.setdefault((each.cell.isolation, each.cell.locks), []).append(each)
    return [_Variant(*key, tuple(each)) for key, each in found.items()]


def _broken(variants: Iterable[_Variant]) -> Iterator[str]:
    for each in variants:
        if each.violations:
            where = "; ".join(
                f"{outcome.cell.load}: " + _counted(outcome.anomalies)
                for outcome in each.outcomes
                if outcome.anomalies
            )
            yield (
                f"{each.words} breaks the books: {_violations(each.violations)} after "
                f"{counts.of(each.count('orders'), 'order')} ({where})."
            )


def _whole(whole: Sequence[_Variant], lucky: Sequence[_Variant]) -> Iterator[str]:
    if whole:
        yield f"The books held under: {_named(whole)}."
    if lucky:
        orders = sum(each.count("orders") for each in lucky)
        yield (
            f"That {_named(lucky)} held for {orders:,} orders proves little: what a transaction "
            "decides by may have changed there before it commits."
        )


def _busy(measured: Measured) -> Iterator[str]:
    yield (
        f"Rates are not compared: the load average was {measured.load_before:.1f} on "
        f"{measured.processors} processors before the first cell."
    )


def _fastest(proven: Sequence[_Variant]) -> Iterator[str]:
    """Compare, under each load, what holds with what holds and was fastest."""
    by_load: dict[str, list[tuple[Outcome, _Variant]]] = {}
    for each in proven:
        for outcome in each.outcomes:
            by_load.setdefault(outcome.cell.load, []).append((outcome, each))
    for load, found in by_load.items():
        if len(found) < 2:
            continue
        best, variant = max(found, key=lambda pair: pair[0].orders_per_s)
        said = (
            f"Of what can be relied on, {variant.words} was fastest on the {load} load: "
            f"{best.orders_per_s:,.0f} orders/s, p99 {best.p99_ms:,.1f} ms"
        )
        ours = next((outcome for outcome, each in found if each.is_ours), None)
        if ours is not None and ours is not best:
            less = 1 - ours.orders_per_s / best.orders_per_s
            said += (
                f". READ COMMITTED with ordered locks, which is what place_order does, had "
                f"{ours.orders_per_s:,.0f}/s, p99 {ours.p99_ms:,.1f} ms"
            )
            said += ": no difference, by one run each" if less < NOISE else f", {less:.0%} fewer"
        elif ours is not None:
            said += "; it is what place_order does"
        yield said + "."


def _deadlocks(variants: Sequence[_Variant]) -> Iterator[str]:
    by_locks: dict[str, Counter[str]] = {}
    for each in variants:
        sums = by_locks.setdefault(each.locks, Counter())
        for name in ("deadlocks", "orders"):
            sums[name] += each.count(name)
    told = [
        f"{by_locks[name]['deadlocks']} in {by_locks[name]['orders']:,} orders with {WORDS[name]}"
        for name in LOCK_NAMES
        if name in by_locks
    ]
    if any(sums["deadlocks"] for sums in by_locks.values()):
        yield f"Deadlocks: {', '.join(told)}.".replace("with no locks", "without locks")


def _conflicts(variants: Iterable[_Variant]) -> Iterator[str]:
    """Say what ordered locks, which nothing overtakes, do not spare."""
    ordered = {each.level: each.count("conflicts") for each in variants if each.locks == "ordered"}
    if any(ordered.values()):
        told = ", ".join(f"{count} at {level}" for level, count in ordered.items())
        yield f"With ordered locks the server still refused: {told}."


def _switch(variants: Iterable[_Variant]) -> Iterator[str]:
    """Say what innodb_snapshot_isolation changes where nothing else protects the rows."""
    bare = {each.isolation: each for each in variants if each.locks == "none"}
    off = bare.get("repeatable read, snapshot off")
    on = bare.get("repeatable read, snapshot on")
    if off is not None and on is not None:
        yield (
            "REPEATABLE READ without locks, innodb_snapshot_isolation off: "
            f"{_violations(off.violations)}, {off.count('conflicts')} refusals (error 1020); on: "
            f"{_violations(on.violations)}, {on.count('conflicts')} refusals."
        )


def _gave_up(variants: Iterable[_Variant]) -> Iterator[str]:
    told = [f"{each.words} {count}" for each in variants if (count := each.count("given_up"))]
    if told:
        yield f"Given up after every retry: {'; '.join(told)}."


def _violations(count: int) -> str:
    return counts.of(count, "violation")


def _named(variants: Iterable[_Variant]) -> str:
    return "; ".join(each.words for each in variants)


def _counted(anomalies: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{name} {count}" for name, count in anomalies)
