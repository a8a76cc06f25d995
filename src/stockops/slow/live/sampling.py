"""What sessions wait for, seen a few times a second."""

import time
from collections import Counter
from dataclasses import dataclass, field

from ...engine.base import Server
from ...errors import Fault, ServerError
from ...sessions import Branch, forest, look, to_see
from . import questions
from .grouping import Texts
from .questions import Running

SAMPLE_S = 0.25  # MariaDB answers from a stale copy when asked more often than every 0.1 s
_TREE_EVERY_S = 1.0
_SAMPLES_MAX = 40
_COMPUTING = "computing"


@dataclass(slots=True)
class Samples:
    """
    What was seen: how often, how many sessions waited for what, in which class.

    `blocking` is the tree at the moment in which most waited, `running` what ran at the last one.
    """

    taken: int = 0
    waits: Counter[tuple[str, str]] = field(default_factory=Counter)
    running: list[Running] = field(default_factory=list)
    blocking: list[Branch] = field(default_factory=list)
    problems: set[str] = field(default_factory=set)


def sample(server: Server, texts: Texts, *, length_s: float) -> Samples:
    """Look at what runs for `length_s`, `_SAMPLES_MAX` times at most, and use it all."""
    seen = Samples()
    every_s = max(SAMPLE_S, length_s / _SAMPLES_MAX)
    until = time.monotonic() + length_s
    next_tree = 0.0
    while (left_s := until - time.monotonic()) > 0:
        time.sleep(min(every_s, left_s))
        if seen.problems and not seen.taken:
            continue  # it may not look, and the interval is not over
        try:
            running = server.fetch(questions.RUNNING)
            waiting = any(each.wait.startswith("Lock") for each in running)
            if waiting and time.monotonic() >= next_tree:
                next_tree = time.monotonic() + _TREE_EVERY_S
                _look_at_blocking(server, seen)
        except ServerError as exc:
            if exc.fault is not Fault.DENIED:
                raise
            seen.problems.add(f"waits are not known: {exc}: {to_see(server)}")
            continue
        _count(server, texts, seen, running)
    return seen


def _look_at_blocking(server: Server, seen: Samples) -> None:
    sessions, waits = look(server)
    tree = forest(waits, sessions)
    if len(tree) >= len(seen.blocking):
        seen.blocking = tree


def _count(server: Server, texts: Texts, seen: Samples, running: list[Running]) -> None:
    seen.taken += 1
    active = [each for each in running if each.state == "active"]
    texts.learn(each.text_key for each in active if each.text_key is not None)
    for each in active:
        statement = texts.of(each.text_key, each.sql_text)
        class_id = "" if statement is None else statement.class_id
        seen.waits[each.wait or _COMPUTING, class_id] += 1
    seen.running = active
    if any(each.state == "hidden" for each in running):
        seen.problems.add(f"what others run is hidden from this role: {to_see(server)}")
    if any(each.state == "not known" for each in running):
        seen.problems.add(
            "what sessions run is not known: ALTER SYSTEM SET track_activities = on; "
            "SELECT pg_reload_conf()"
        )
