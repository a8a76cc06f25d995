"""Who blocks whom: a forest, its roots those who wait for nobody."""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from .questions import SessionRow, WaitRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """
    A session in the tree: `depth` 0 is a root, those below it wait for it.

    `waiting` is how many sessions wait for it, at any depth. `session` is None for a prepared
    transaction, and where the server does not say who holds the lock.
    """

    depth: int
    session_id: int | None
    what: str
    waiting: int
    session: SessionRow | None


def waiting_for(waits: Iterable[WaitRow]) -> dict[int, int]:
    """Return how many sessions wait for each that blocks others, at any depth."""
    behind = _behind(waits)
    return {
        session_id: len(_all_behind(session_id, behind))
        for session_id in behind
        if session_id is not None
    }


def roots(waits: Sequence[WaitRow]) -> set[int | None]:
    """Return those who block others and wait for nobody; of a ring, its smallest number."""
    behind = _behind(waits)
    waiting = {wait.waiting_id for wait in waits}
    found: set[int | None] = {each for each in behind if each not in waiting}
    reached = {each for root in found for each in _all_behind(root, behind)}
    for each in sorted(waiting - reached):  # a deadlock that is still to be found
        if each not in reached:
            found.add(each)
            reached |= {each, *_all_behind(each, behind)}
    return found


def forest(waits: Sequence[WaitRow], sessions: Sequence[SessionRow]) -> list[Branch]:
    """
    Return the trees, the one most wait for first; each session once, as near its root as it waits.

    Who queues for a lock waits for all before it in the queue as well: so drawn, fifty waiters
    would be a tree without end.
    """
    known = {session.session_id: session for session in sessions}
    behind = _behind(waits)
    what = {(wait.blocking_id, wait.waiting_id): wait.what for wait in waits}
    weights = {each: len(_all_behind(each, behind)) for each in behind}
    starts = sorted(roots(waits), key=lambda root: (-weights[root], root or 0))
    below = _below(starts, behind)

    def grow(session_id: int | None, above: int | None, depth: int) -> Iterator[Branch]:
        yield Branch(
            depth=depth,
            session_id=session_id,
            what=what.get((above, session_id or 0), "") if depth else "",
            waiting=weights.get(session_id, 0),
            session=known.get(session_id or 0),
        )
        for each in below.get(session_id, ()):
            yield from grow(each, session_id, depth + 1)

    return [branch for root in starts for branch in grow(root, None, 0)]


def _below(
    starts: Sequence[int | None], behind: Mapping[int | None, set[int]]
) -> dict[int | None, list[int]]:
    """Return which sessions stand right below each other one, by the shortest way to a start."""
    placed: set[int | None] = set(starts)
    below: dict[int | None, list[int]] = {}
    for start in starts:
        queue = deque([start])
        while queue:
            above = queue.popleft()
            below[above] = sorted(behind.get(above, set()) - placed)
            placed.update(below[above])
            queue.extend(below[above])
    return below


def _behind(waits: Iterable[WaitRow]) -> dict[int | None, set[int]]:
    behind: dict[int | None, set[int]] = defaultdict(set)
    for wait in waits:
        behind[wait.blocking_id].add(wait.waiting_id)
    return dict(behind)


def _all_behind(session_id: int | None, behind: Mapping[int | None, set[int]]) -> set[int]:
    found: set[int] = set()
    left = [*behind.get(session_id, ())]
    while left:
        each = left.pop()
        if each not in found and each != session_id:
            found.add(each)
            left += behind.get(each, ())
    return found
