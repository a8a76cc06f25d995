"""How Prometheus pairs the series of two vectors, and why it sometimes never can."""

from collections.abc import Callable, Iterable
from typing import Any

from .series import ANY, Labels
from .verdicts import Problem, Verdict

_ROWS_MAX = 1_000


def joined(
    left: tuple[Labels, ...], right: tuple[Labels, ...], *, op: str, modifier: Any
) -> tuple[tuple[Labels, ...], Problem | None]:
    """Return the label sets that two vectors make with `op`, and what is wrong with the pairing."""
    left, right = left[:_ROWS_MAX], right[:_ROWS_MAX]
    key = _key(modifier)
    pairs = [(one, other) for one in left for other in right if _same(key(one), key(other))]
    if not pairs:
        return (), _unpaired(left, right, key)
    if op == "and":
        return tuple(dict.fromkeys(one for one, _ in pairs)), None
    side = str(modifier.card) if modifier is not None else "OneToOne"
    if problem := _doubled(left, right, key=key, side=side):
        return (), problem
    extra = frozenset((modifier.group_labels or ()) if modifier is not None else ())
    made = []
    for one, other in pairs:
        if "ManyToOne" in side:
            made.append(_lent(one, other, extra))
        elif "OneToMany" in side:
            made.append(_lent(other, one, extra))
        else:
            made.append(key(one))
    return tuple(dict.fromkeys(made)), None


def unmatched(
    rows: tuple[Labels, ...], others: tuple[Labels, ...], *, modifier: Any
) -> tuple[Labels, ...]:
    """Return those of `rows` that none of `others` matches: what ``or`` adds."""
    key = _key(modifier)
    taken = [key(other) for other in others[:_ROWS_MAX]]
    return tuple(row for row in rows[:_ROWS_MAX] if not any(_same(key(row), t) for t in taken))


def _key(modifier: Any) -> Callable[[Labels], Labels]:
    """Return what gives the labels that two series have to share."""
    matching = modifier.matching if modifier is not None else None
    labels = frozenset(matching.labels) if matching is not None else frozenset()
    on = matching is not None and str(matching.type).endswith("Include")
    return lambda row: frozenset(pair for pair in row if (pair[0] in labels) == on)


def _lent(many: Labels, one: Labels, extra: frozenset[str]) -> Labels:
    kept = {name: value for name, value in many if name not in extra}
    return frozenset({**kept, **{name: value for name, value in one if name in extra}}.items())


def _same(one: Labels, other: Labels) -> bool:
    if one == other:
        return True
    first, second = dict(one), dict(other)
    return first.keys() == second.keys() and all(
        value == second[name] or ANY in (value, second[name]) for name, value in first.items()
    )


def _unpaired(
    left: tuple[Labels, ...], right: tuple[Labels, ...], key: Callable[[Labels], Labels]
) -> Problem:
    """Return why no series of the left has one on the right."""
    one, other = _names(map(key, left)), _names(map(key, right))
    if any(names in other for names in one):
        return Problem(Verdict.WAITS, "no series of the two sides has the same labels now")
    first, second = min(one, key=sorted), min(other, key=sorted)
    only = [
        f"{', '.join(sorted(names))} only on the {side}"
        for names, side in ((first - second, "left"), (second - first, "right"))
        if names
    ]
    shared = ", ".join(sorted(first & second))
    return Problem(
        Verdict.DEAD,
        f"the two sides can never match: {'; '.join(only)}",
        f"Say on which labels they match: on({shared}), and group_left where one side has more.",
    )


def _names(rows: Iterable[Labels]) -> set[frozenset[str]]:
    return {frozenset(name for name, _ in row) for row in rows}


def _doubled(
    left: tuple[Labels, ...],
    right: tuple[Labels, ...],
    *,
    key: Callable[[Labels], Labels],
    side: str,
) -> Problem | None:
    """Return that a side which must have one series for each pairing has several."""
    for rows, name, may in ((left, "left", "ManyToOne"), (right, "right", "OneToMany")):
        if may in side:
            continue
        seen: set[Labels] = set()
        for row in rows:
            found = key(row)
            if found in seen:
                said = ", ".join(f"{k}={v!r}" for k, v in sorted(found) if v != ANY)
                return Problem(
                    Verdict.DEAD,
                    f"Prometheus refuses it: several series on the {name} match {{{said}}}",
                    f"Sum the {name} side up, or write "
                    f"group_{'left' if name == 'left' else 'right'}.",
                )
            seen.add(found)
    return None
